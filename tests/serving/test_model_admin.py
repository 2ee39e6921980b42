"""Models that are put up, swapped and taken down while the endpoint answers."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import threading
import weakref

import pytest

import glossator
from glossator.serving import endpoint as endpoint_module
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.desired_models import DesiredModels
from glossator.serving.logs import EventLog

TOPICS = "/v1/models/topics"
TEXT = {"inputs": ["the card was 3"]}


@pytest.fixture(scope="session")
def next_folder(tiny_model_folder, tmp_path_factory):
    """A folder of a classifier with other classes than those of `model_folder`."""
    rows = [{"text": f"the {'ab'[i % 2]} was {i}", "label": "ab"[i % 2]} for i in range(40)]
    folder = tmp_path_factory.mktemp("next") / "second"
    glossator.fit(
        rows, model=str(tiny_model_folder), output=str(folder), epochs=1, seed=2, progress=False
    )
    return folder


@pytest.fixture
def root(tmp_path, model_folder, next_folder):
    """A root with `first` and `second`."""
    root = tmp_path / "models"
    shutil.copytree(model_folder, root / "first")
    shutil.copytree(next_folder, root / "second")
    return root


@pytest.fixture
def client(made, root):
    return made(config=ServeConfig(models_root=str(root)))


@pytest.fixture
def keeper(client, keys):
    """Asks as an administrator."""

    def ask(method, path, body=None, key="admin", on=client):
        headers = {**keys.header(key), "Content-Type": "application/json"}
        content = b"" if body is None else json.dumps(body).encode()
        return on.request(method, path, headers=headers, content=content)

    return ask


def labels(response):
    assert response.status_code == 200, response.text
    return {one["label"] for one in response.json()["predictions"][0]["labels"]}


def kind(response):
    return response.status_code, response.json()["error"]["kind"]


def test_a_model_is_loaded_swapped_and_unloaded(keeper, next_folder):
    first = keeper("GET", TOPICS).json()
    made = keeper("POST", "/v1/models/fresh", {"folder": "second"})
    assert made.status_code == 201
    assert made.json()["id"] == "fresh"
    ask = {**TEXT, "top_k": 5}
    assert labels(keeper("POST", "/v1/models/fresh/predict", ask, "predict")) == {"a", "b"}
    assert labels(keeper("POST", f"{TOPICS}/predict", ask)) == {"card", "film", "market"}
    swapped = keeper("PUT", TOPICS, {"folder": "second"})
    assert swapped.status_code == 200
    assert swapped.json()["version"] == made.json()["version"] != first["version"]
    assert labels(keeper("POST", f"{TOPICS}/predict", ask)) == {"a", "b"}
    assert keeper("DELETE", TOPICS).json() == {"id": "topics", "deleted": True}
    assert kind(keeper("POST", f"{TOPICS}/predict", TEXT)) == (404, "unknown_model")
    assert kind(keeper("DELETE", TOPICS)) == (404, "unknown_model")
    assert [x["id"] for x in keeper("GET", "/v1/models").json()["data"]] == ["fresh"]


def test_by_default_the_folder_has_the_name_of_the_model(keeper):
    assert keeper("PUT", "/v1/models/second", {}).status_code == 201


def test_a_new_model_takes_no_other_ones_place(keeper):
    assert kind(keeper("POST", TOPICS, {"folder": "second"})) == (409, "exists")


def test_only_the_version_that_was_asked_for_is_served(keeper):
    version = keeper("PUT", "/v1/models/a", {"folder": "first"}).json()["version"]
    asked = {"folder": "second", "version": version}
    assert kind(keeper("PUT", "/v1/models/a", asked)) == (422, "changed_file")
    assert keeper("GET", "/v1/models/a").json()["version"] == version
    assert keeper("PUT", "/v1/models/a", {**asked, "folder": "first"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"folder": "absent"}, 404, "unknown_folder"),
        ({"folder": 5}, 400, "bad_name"),
        ({"folder": ["first"]}, 400, "bad_name"),
        ({"path": "first"}, 400, "bad_request"),
        ({"folder": "first", "version": "1"}, 400, "bad_request"),
        ({"folder": "first", "version": 5}, 400, "bad_request"),
        ([], 400, "bad_request"),
    ],
)
def test_what_is_refused_says_why(keeper, body, status, problem):
    assert kind(keeper("PUT", TOPICS, body)) == (status, problem)
    assert keeper("GET", TOPICS).status_code == 200


def test_names_stay_under_the_root(client, keeper, root, outside, monkeypatch):
    """Nothing is opened for a name that leads elsewhere, and near misses are."""
    opened = []
    real = endpoint_module.load_sealed

    def told(folder, **given):
        opened.append(folder)
        return real(folder, **given)

    monkeypatch.setattr(endpoint_module, "load_sealed", told)
    for name in outside:
        assert kind(keeper("PUT", TOPICS, {"folder": name})) == (400, "bad_name"), repr(name)
    for path in ("%2e%2e", "%2e%2e%5cfirst", "first%00", "%EF%BC%8E%EF%BC%8E"):
        assert kind(keeper("PUT", f"/v1/models/{path}", {"folder": "first"})) == (400, "bad_name")
    for path in ("..%2ffirst", "%2e%2e%2ffirst", "%2fetc"):
        assert kind(keeper("PUT", f"/v1/models/{path}", {})) == (404, "no_route")
    assert opened == []
    (root / "a..b").symlink_to(root / "first")
    assert kind(keeper("PUT", TOPICS, {"folder": "a..b"})) == (422, "model_folder")
    (root / "a..b").unlink()
    shutil.copytree(root / "first", root / "a..b")
    assert keeper("PUT", TOPICS, {"folder": "a..b"}).status_code == 200
    assert len(opened) == 2


def test_a_changed_byte_is_refused_and_the_old_version_answers(keeper, root):
    raw = bytearray((root / "second" / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (root / "second" / "model.safetensors").write_bytes(raw)
    response = keeper("PUT", TOPICS, {"folder": "second"})
    assert kind(response) == (422, "changed_file")
    assert str(root) not in response.text
    assert labels(keeper("POST", f"{TOPICS}/predict", {**TEXT, "top_k": 3})) > {"card"}


def test_without_a_manifest_it_takes_the_flag(keeper, made, root, keys):
    (root / "second" / "manifest.json").unlink()
    response = keeper("PUT", TOPICS, {"folder": "second"})
    assert kind(response) == (422, "model_folder")
    assert "--allow-unverified" in response.json()["error"]["message"]
    assert str(root) not in response.text
    client = made(config=ServeConfig(models_root=str(root), allow_unverified=True))
    response = keeper("PUT", TOPICS, {"folder": "second"}, on=client)
    assert response.status_code == 200
    assert response.json()["version"].startswith("unverified-")


def test_without_a_root_nothing_is_loaded(made, keeper):
    client = made()
    found = keeper("PUT", TOPICS, {"folder": "first"}, on=client)
    assert kind(found) == (403, "no_models_root")


@pytest.mark.parametrize("key", ["predict", "metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_takes_the_role_admin(client, keeper, method, key):
    assert kind(keeper(method, TOPICS, {}, key)) == (403, "wrong_role")
    assert client.request(method, TOPICS, json={}).status_code == 401


def test_a_key_comes_to_no_model_that_it_does_not_see(keeper, keys):
    keys.make("tenant", "admin", models=["topics", "first"])
    assert kind(keeper("PUT", TOPICS, {"folder": "second"}, "tenant")) == (404, "unknown_folder")
    absent = keeper("PUT", TOPICS, {"folder": "absent"}, "tenant").json()["error"]
    assert keeper("PUT", TOPICS, {"folder": "second"}, "tenant").json()["error"] == absent
    assert keeper("PUT", "/v1/models/second", {}).status_code == 201
    for method in ("POST", "PUT", "DELETE"):
        found = keeper(method, "/v1/models/second", {"folder": "first"}, "tenant")
        assert kind(found) == (404, "unknown_model")
    assert keeper("PUT", TOPICS, {"folder": "first"}, "tenant").status_code == 200


class Held:
    """Holds a model's answers until they are let go."""

    def __init__(self, served, monkeypatch):
        self.reached, self.go = threading.Event(), threading.Event()
        real = served.predictor.answer_records

        def late(*given, **named):
            self.reached.set()
            assert self.go.wait(60)
            return real(*given, **named)

        monkeypatch.setattr(served.predictor, "answer_records", late)


def in_background(call):
    """Calls on a thread; the list has what was returned once the thread has ended."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    return thread, found


def test_a_swap_loses_no_request_and_the_old_model_goes(client, keeper, monkeypatch):
    models = client.endpoint.models
    old = weakref.ref(models.get("topics").predictor)
    with monkeypatch.context() as patched:
        held = Held(models.get("topics"), patched)
        ask = {**TEXT, "top_k": 5}
        thread, found = in_background(lambda: keeper("POST", f"{TOPICS}/predict", ask))
        assert held.reached.wait(60)
        assert keeper("PUT", TOPICS, {"folder": "second"}).status_code == 200
        assert labels(keeper("POST", f"{TOPICS}/predict", ask)) == {"a", "b"}
        held.go.set()
        thread.join()
    assert labels(found[0]) == {"card", "film", "market"}
    del held
    queues = [x for x in threading.enumerate() if x.name == "glossator-model"]
    for queue in queues:
        if queue is not models.get("topics").batcher._thread:
            queue.join(60)
    gc.collect()
    assert old() is None


def test_a_model_that_went_after_it_was_looked_up_still_answers(client, keeper):
    """A request has found its model; before it asks, the model is swapped or unloaded."""
    models = client.endpoint.models
    served = models.get("topics")
    for change in ("PUT", "DELETE"):
        assert keeper(change, TOPICS, {"folder": "second"}).status_code == 200
        served.batcher.close()
        with models.using(served):
            assert not served.batcher.closed
            with models.using(served):
                pass
            assert not served.batcher.closed
        assert served.batcher.closed


def test_while_one_is_loaded_others_wait_their_turn(client, keeper, monkeypatch):
    reached, go = threading.Event(), threading.Event()
    real = endpoint_module.load_sealed

    def late(*given, **named):
        reached.set()
        assert go.wait(60)
        return real(*given, **named)

    monkeypatch.setattr(endpoint_module, "load_sealed", late)
    thread, found = in_background(lambda: keeper("PUT", TOPICS, {"folder": "second"}))
    assert reached.wait(60)
    for method, name in (("PUT", "topics"), ("POST", "other"), ("DELETE", "topics")):
        response = keeper(method, f"/v1/models/{name}", {"folder": "first"})
        assert kind(response) == (409, "loading")
        assert response.headers["retry-after"]
    assert keeper("POST", f"{TOPICS}/predict", TEXT).status_code == 200
    go.set()
    thread.join()
    assert found[0].status_code == 200
    assert keeper("PUT", TOPICS, {"folder": "first"}).status_code == 200


def test_a_model_that_fails_at_its_first_text_is_not_put_up(client, keeper, monkeypatch):
    def fail(self):
        raise ZeroDivisionError

    monkeypatch.setattr("glossator.serving.models.Served.warm_up", fail)
    before = threading.active_count()
    assert keeper("PUT", TOPICS, {"folder": "second"}).status_code == 500
    monkeypatch.undo()
    assert labels(keeper("POST", f"{TOPICS}/predict", {**TEXT, "top_k": 3})) > {"card"}
    assert threading.active_count() <= before + 1  # a thread of asyncio's, kept for the next
    assert keeper("PUT", TOPICS, {"folder": "second"}).status_code == 200


@pytest.fixture
def two(made, root, tmp_path, model_folder):
    """Two workers; the second looks whenever the first waits for it."""
    DesiredModels(tmp_path / "state").begin({"topics": model_folder})
    config = ServeConfig(models_root=str(root))
    workers = [made(config=config, desired=DesiredModels(tmp_path / "state")) for _ in range(2)]
    first, second = (worker.endpoint.manager for worker in workers)

    async def pause(seconds):
        second.look()

    first._pause = pause
    return workers


def test_all_workers_serve_what_one_of_them_was_told(two, keeper):
    ask = {**TEXT, "top_k": 5}
    version = keeper("PUT", TOPICS, {"folder": "second"}, on=two[0]).json()["version"]
    assert keeper("POST", "/v1/models/more", {"folder": "first"}, on=two[0]).status_code == 201
    for worker in two:
        assert labels(keeper("POST", f"{TOPICS}/predict", ask, on=worker)) == {"a", "b"}
        assert keeper("GET", TOPICS, on=worker).json()["version"] == version
        assert keeper("GET", "/v1/models/more", on=worker).status_code == 200
    assert keeper("DELETE", TOPICS, on=two[0]).status_code == 200
    assert keeper("GET", TOPICS, on=two[1]).status_code == 404


def test_a_worker_that_starts_later_serves_what_was_changed(two, keeper, made, root, tmp_path):
    version = keeper("PUT", TOPICS, {"folder": "second"}, on=two[0]).json()["version"]
    config = ServeConfig(models_root=str(root))
    third = made(config=config, desired=DesiredModels(tmp_path / "state"))
    assert keeper("GET", TOPICS, on=third).json()["version"] == version


def test_a_worker_that_died_is_not_waited_for(two, keeper):
    two[1].endpoint.manager.close()
    assert keeper("PUT", TOPICS, {"folder": "second"}, on=two[0]).status_code == 200


def test_workers_that_stay_behind_are_told_of(two, keeper, monkeypatch):
    async def pause(seconds):
        pass

    two[0].endpoint.manager._pause = pause
    monkeypatch.setattr("glossator.serving.model_admin._TRIES", 3)
    response = keeper("PUT", TOPICS, {"folder": "second"}, on=two[0])
    assert (response.status_code, response.json()["workers_behind"]) == (202, 1)


def test_a_folder_that_changes_between_two_workers_is_told_of(two, keeper, root):
    """The second answers as before, rather than with what nobody asked for."""
    manager = two[1].endpoint.manager

    async def pause(seconds):
        shutil.rmtree(root / "second")
        shutil.copytree(root / "first", root / "second")
        assert list(manager.look()) == ["topics"]

    two[0].endpoint.manager._pause = pause
    found = keeper("PUT", TOPICS, {"folder": "second"}, on=two[0])
    assert kind(found) == (500, "partly_loaded")
    ask = {**TEXT, "top_k": 5}
    assert labels(keeper("POST", f"{TOPICS}/predict", ask, on=two[1])) == {"card", "film", "market"}


def test_a_worker_follows_by_itself(two, keeper):
    seen = threading.Event()
    manager = two[1].endpoint.manager
    real = manager._saw

    def told(*given):
        real(*given)
        seen.set()

    manager._saw = told
    manager.follow(lambda *_: None)

    async def pause(seconds):
        assert seen.wait(60)

    two[0].endpoint.manager._pause = pause
    assert keeper("PUT", TOPICS, {"folder": "second"}, on=two[0]).status_code == 200
    assert keeper("GET", TOPICS, on=two[1]).json()["version"]


def test_what_a_worker_that_follows_cannot_load_is_in_its_log(two, keeper, root, tmp_path, until):
    manager, log = two[1].endpoint.manager, EventLog(tmp_path / "log")

    async def pause(seconds):
        (root / "second" / "model.safetensors").write_bytes(b"changed")
        manager.follow(log.load_failed)
        await asyncio.to_thread(until, lambda: (tmp_path / "log").read_text())

    two[0].endpoint.manager._pause = pause
    found = keeper("PUT", TOPICS, {"folder": "second"}, on=two[0])
    assert "see the log" in found.json()["error"]["message"]
    record = json.loads((tmp_path / "log").read_text())
    assert (record["event"], record["level"], record["model"]) == ("load_failed", "error", "topics")
    assert record["trace"][0] == "ChangedFileError"


def test_that_nothing_can_be_seen_is_told_once_for_as_long_as_it_is_so(two, monkeypatch, until):
    manager, failed, looks = two[1].endpoint.manager, [], []

    def look():
        looks.append(1)
        if len(looks) not in (4, 5):
            raise OSError(5, "Input/output error")
        return {}

    monkeypatch.setattr("glossator.serving.model_manager._LOOK", 0.001)
    monkeypatch.setattr(manager, "look", look)
    manager.follow(lambda *told: failed.append((len(looks), *told)))
    until(lambda: len(looks) > 8)
    assert [(number, name) for number, name, _ in failed] == [(1, ""), (6, "")]


def test_limits_hold_for_bodies_of_administrators(keeper, made, root):
    client = made(config=ServeConfig(models_root=str(root)), limits=LimitConfig())
    found = keeper("PUT", TOPICS, {"folder": "a" * 20_000}, on=client)
    assert kind(found) == (413, "too_large")
