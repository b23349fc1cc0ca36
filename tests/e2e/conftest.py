"""One system for all tests. They run in the order of ORDER: the last ones break it, and count what was driven."""

import sys

import pytest

try:
    import api
    import system
except ImportError as error:
    print(f"skipped: {error}; ops/setup --dev installs it")
    pytest.exit(f"{error}", returncode=77)

ORDER = ["document", "requests", "tunes", "readme", "backtests", "data", "admin", "coverage", "events", "faults", "whole"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.module.__name__.removeprefix("test_")))


@pytest.fixture(scope="session")
def tunemill(request):
    running = system.System(
        TUNEMILL_HTTP_MAX_UPLOAD_MB="1", TUNEMILL_HTTP_MAX_UPLOADS="4", TUNEMILL_HTTP_TUNE_WAIT_SECONDS="60"
    )
    yield running
    if request.session.testsfailed:
        with open(running.log) as log:
            sys.__stderr__.write("the last lines of its log:\n" + "".join(log.readlines()[-40:]))
    running.stop()


@pytest.fixture(scope="session")
def driven():
    """Every answer that was had: (operation, status, code or type)."""
    return set()


@pytest.fixture(scope="session")
def client(tunemill, driven):
    return api.Client(tunemill.http, driven)
