import json

import pytest


@pytest.fixture
async def capture(start):
    return await start("capture")


@pytest.fixture
def api(capture, tenant):
    return capture.client(tenant, "operator")


@pytest.fixture
def admin(capture, tenant):
    return capture.client(tenant, "admin")


@pytest.fixture
def visitor(capture):
    return capture.client(None)


@pytest.fixture
def upload(api):
    async def upload(content, *, name="leads.csv", status=202, headers=None, **form):
        data = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in form.items()}
        content = content if isinstance(content, bytes) else content.encode()
        answer = await api.post("/v1/imports", files={"file": (name, content)}, data=data, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json().get("import_id")

    return upload


@pytest.fixture
def ended(api, eventually):
    async def ended(import_id, state="done"):
        async def look():
            job = (await api.get(f"/v1/imports/{import_id}")).json()
            return job if job["state"] == state else None

        return await eventually(look)

    return ended
