"""An OpenAI-compatible server that thinks for so many seconds: stub.py PORT SECONDS"""
import asyncio
import json
import sys

ANSWER = json.dumps({
    "model": "stub",
    "choices": [{"finish_reason": "stop",
                 "message": {"role": "assistant", "content": "The winner stands on a plateau."}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10},
}).encode()


async def answer(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.lower().split(b"\r\n")
             if line.startswith(b"content-length:")]
    await reader.readexactly(int(sizes[0]))
    await asyncio.sleep(float(sys.argv[2]))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER)
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    async with server:
        await server.serve_forever()

asyncio.run(main())
