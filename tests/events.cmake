tm_test(stream_text unit/test_stream_text.c support/event_reader.c LIBS tm_http)
