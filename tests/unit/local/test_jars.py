import hashlib

import pytest

from deploy.local import jars


def test_every_jar_is_pinned_by_its_checksum():
    pinned = jars.locked_jars()
    assert {len(jar.sha256) for jar in pinned} == {64}
    assert "kafka_2.13-4.3.1.jar" in {jar.file_name for jar in pinned}
    assert any(jar.artifact == "log4j-slf4j-impl" for jar in pinned), "without a log binding Kafka's log is silent"


def test_the_lock_names_no_repository():
    assert "://" not in jars.LOCK.read_text()


@pytest.fixture
def one_jar(tmp_path, monkeypatch):
    """A lock file with one jar, and a local repository that contains it."""
    content = b"not really a jar"
    repository = tmp_path / "m2"
    place = repository / "org" / "example" / "thing" / "1.0"
    place.mkdir(parents=True)
    (place / "thing-1.0.jar").write_bytes(content)
    lock = tmp_path / "lock.toml"
    lock.write_text(
        f'[[jar]]\ncoordinate = "org.example:thing:1.0"\nsize = {len(content)}\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setenv("LEADFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("M2_REPO", str(repository))
    return place / "thing-1.0.jar"


def test_jars_are_fetched_once_with_progress(one_jar):
    progress = []
    folder = jars.kafka_jars(lambda done, total: progress.append((done, total)))
    assert [file.name for file in folder.iterdir()] == ["thing-1.0.jar"]
    assert progress == [(16, 16)]
    one_jar.unlink()
    assert jars.kafka_jars(lambda *_: pytest.fail("fetched again")) == folder


def test_a_jar_with_a_wrong_checksum_is_refused_and_not_cached(one_jar, monkeypatch):
    from jgo.maven import PythonResolver

    def download(self, artifact):
        artifact.cached_path.parent.mkdir(parents=True)
        artifact.cached_path.write_bytes(b"something else")
        return artifact.cached_path

    one_jar.unlink()
    monkeypatch.setattr(PythonResolver, "download", download)
    with pytest.raises(jars.FetchError, match="checksum"):
        jars.kafka_jars()
    assert [path.name for path in jars.cache_dir().iterdir()] == [".lock"]
