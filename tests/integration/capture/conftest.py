import pytest


@pytest.fixture
async def capture(start):
    return await start("capture")


@pytest.fixture
def api(capture, tenant):
    return capture.client(tenant, "operator")
