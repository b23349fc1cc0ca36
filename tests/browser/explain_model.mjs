// What POST /admin/coverage/explain is answered with: 'well', 'down' or 'harmful'.
const SAID = {
  well: ({ verbosity }) => ({ explanation: `The stub says: ${verbosity}.`, model: 'stub-model', provider: 'openai', degraded: false, reason_code: null, error: null }),
  harmful: () => ({ explanation: 'The stub says: <img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>', model: 'stub-model', provider: 'openai', degraded: false, reason_code: null, error: null }),
  down: () => ({ explanation: 'Of the tags that were asked for, one is a tag of this strategy.', model: 'fallback', provider: 'fallback', degraded: true, reason_code: 'llm_timeout', error: 'No language model answered in time.' }),
};

export const answering = (someone, how) => someone.route('**/admin/coverage/explain?*', (route) => {
  const asked = route.request().postDataJSON();
  return route.fulfill({ json: { ...asked, strategy_name: 'one', confidence_qualifier: 'Confidence: Low — based on 1 matching tag.', latency_ms: 12, cache_hit: false, generated_at: new Date().toISOString(), ...SAID[how](asked) } });
});
