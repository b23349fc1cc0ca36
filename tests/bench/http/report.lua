-- wrk's result as one line of JSON. SERVER and WHAT come from the environment; with PATHS, a file
-- of one path a line, each request asks for one of them, at random.
local paths = {}

function init()
   local name = os.getenv("PATHS")
   if name then
      for path in io.lines(name) do paths[#paths + 1] = path end
      request = function() return wrk.format(nil, paths[math.random(#paths)]) end
   end
end

function done(summary, latency, requests)
   local seconds = summary.duration / 1e6
   local errors = summary.errors
   io.write(string.format(
      '{"server":"%s","what":"%s","requests_per_s":%.0f,"p50_ms":%.3f,"p99_ms":%.3f,' ..
      '"not_2xx":%d,"failed":%d}\n',
      os.getenv("SERVER"), os.getenv("WHAT"), summary.requests / seconds,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
