# Tune requests, and the questions to services, a part of the kit: the bridge, the command line and
# the actors that answer all read them.
target_sources(tm_kit PRIVATE tune_request.c tune_field.c tune_space.c backtest_call.c explain_call.c)
