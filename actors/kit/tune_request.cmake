# Tune requests and questions for a trial, a part of the kit: the bridge, the command line and the
# tune actor all read them.
target_sources(tm_kit PRIVATE tune_request.c tune_field.c tune_space.c backtest_call.c)
