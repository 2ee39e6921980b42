"""The page in a browser: each kind of model is tried, and its answer is seen."""

from __future__ import annotations

import json
import shutil

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from task_rows import MEMBERS

import glossator
from glossator.pretraining.config import (
    CorpusConfig,
    ObjectiveConfig,
    PretrainConfig,
    StartConfig,
)
from glossator.pretraining.run import run_pretrain
from glossator.training.config import TrainingConfig

PATIENCE = 300  # seconds that a busy machine may take
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# What of an answer a reader sees: marks with their labels, bars, texts.
SEEN = """
const own = (mark) => Array.from(mark.childNodes).filter((x) => !x.classList?.contains("tag"))
  .map((x) => (x.nodeName === "MARK" ? own(x) : x.textContent)).join("");
const tag = (mark) => Array.from(mark.children).find((x) => x.className === "tag").textContent;
const all = (what) => Array.from(document.querySelectorAll(`#answer ${what}`));
return {
  marks: all("mark").map((x) => [own(x), tag(x)]),
  quotes: all(".quote").map((x) => {
    const copy = x.cloneNode(true);
    copy.querySelectorAll(".tag").forEach((each) => each.remove());
    return copy.textContent;
  }),
  bars: all("tr").map((x) => [x.children[0].textContent, x.children[2].textContent]),
  best: all("tr.best").map((x) => x.children[0].textContent),
  figures: all(".figure").map((x) => x.textContent),
  heads: all("h3").map((x) => x.textContent),
  notices: all(".notice").map((x) => x.textContent),
  text: document.getElementById("answer").innerText,
};
"""


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window, which reaches nothing but this machine."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("neither chromium nor its chromedriver is installed")
    options = ChromeOptions()
    options.binary_location = program
    for flag in (
        "headless=new",
        "no-sandbox",  # as root, in a container, there is none
        "disable-dev-shm-usage",
        "disable-gpu",
        "lang=en",
        "window-size=1180,1600",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = Chrome(options, Service(driver))
    found.set_page_load_timeout(PATIENCE)
    found.set_script_timeout(PATIENCE)
    yield found
    found.quit()


class Page:
    """The page of an endpoint, as somebody before it uses it."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)

    def at(self, name):
        return self.browser.find_element(By.ID, name)

    def until(self, condition):
        return WebDriverWait(self.browser, PATIENCE).until(lambda _: condition())

    def click(self, button):
        """Click, and return once the page did what it does at once, which a driver may not."""
        assert button.is_displayed()
        self.browser.execute_script("arguments[0].click()", button)

    def fill(self, name, text):
        self.browser.execute_script("arguments[0].value = arguments[1]", self.at(name), text)

    def press(self, form):
        button = self.browser.find_element(By.CSS_SELECTOR, f"#{form} button[type=submit]")
        self.click(button)
        self.until(button.is_enabled)

    def open(self, token):
        self.fill("key", token)
        self.press("opening")

    def choose(self, task):
        """Take one of the tasks of a model; gives the names of its fields."""
        buttons = self.browser.find_elements(By.CSS_SELECTOR, "#tasks button")
        (button,) = [x for x in buttons if x.text == task]
        self.click(button)
        areas = self.browser.find_elements(By.CSS_SELECTOR, "#fields textarea")
        return [x.get_attribute("id").removeprefix("field-") for x in areas]

    def ask(self, **fields):
        """What is seen of the answer to what is typed into fields."""
        for name, text in fields.items():
            self.fill(f"field-{name}", text)
        self.press("asking")
        assert self.trouble is None
        return self.browser.execute_script(SEEN)

    @property
    def trouble(self):
        return self.at("trouble").text if self.at("trouble").is_displayed() else None

    def complaints(self):
        """What the browser has to say: of scripts that fail, of what was not let in or loaded."""
        return [each["message"] for each in self.browser.get_log("browser")]


@pytest.fixture
def opened(browser, made, live, keys):
    """Puts models behind a port, and opens the page with a key."""

    def open(**folders):
        server = live(made(folders).app)
        page = Page(browser, f"http://127.0.0.1:{server.port}/")
        page.server = server
        page.open(keys.tokens["predict"])
        return page

    yield open
    browser.get("about:blank")  # or the page would go on asking a server that has ended
    browser.get_log("browser")


@pytest.fixture(scope="session")
def kind_folder(tiny_model_folder, corpus_file, tokenizer_folder, tmp_path_factory):
    """A model folder of a kind, by its name among the rows of all kinds."""
    scratch, made = tmp_path_factory.mktemp("kinds"), {}

    def fitted(name, output):
        told = MEMBERS[name]
        glossator.fit(
            told["rows"], task=told.get("task", ""), model=str(tiny_model_folder),
            output=str(output), epochs=12, learning_rate=3e-3, batch_size=8, seed=1, threads=1,
            precision="float32", test_fraction=0.0, progress=False, **told.get("options", {}),
        )  # fmt: skip

    def pretrained(objective, family, output):
        config = PretrainConfig(
            objective=ObjectiveConfig(objective=objective, length=48),
            start=StartConfig(tokenizer=str(tokenizer_folder), size="tiny", family=family),
            corpus=CorpusConfig(dev_fraction=0.1, boilerplate=0),
            training=TrainingConfig(max_steps=4, batch_size=8, learning_rate=3e-3),
        )
        run_pretrain([str(corpus_file)], config, output=output)

    def folder(name):
        if name not in made:
            output = scratch / name.replace(" ", "-")
            if name in MEMBERS:
                fitted(name, output)
            else:
                pretrained(*PRETRAINED[name], output)
            made[name] = output
        return made[name]

    return folder


PRETRAINED = {"gaps": ("mlm", "bert"), "goes on": ("clm", "gpt2")}


# What is typed of each kind, and what must then be seen of the answer


def typed(given):
    """What stands in the fields for an input."""
    fields = given if isinstance(given, dict) else {"text": given}
    return {
        name: "\n".join(value) if isinstance(value, list) else value
        for name, value in fields.items()
    }


def percents(pairs):
    return [[str(name), f"{100 * score:.1f}%"] for name, score in pairs]


def named(pieces, label=None):
    return [[x["text"], label or x["label"]] for x in pieces]


def classes_are_seen(answer, seen):
    assert seen["bars"] == percents((x["label"], x["score"]) for x in answer["labels"])
    assert len(seen["bars"]) == 3
    assert seen["best"] == [x["label"] for x in answer["labels"] if x["label"] == answer["label"]]


def labels_are_seen(answer, seen):
    assert seen["bars"] == percents((x["label"], x["score"]) for x in answer["labels"])


def a_stranger_is_seen(answer, seen):
    (notice,) = seen["notices"]
    none = "none of the classes" in notice
    assert none == answer["out_of_scope"]
    assert f"{answer['out_of_scope_score']:.3f}" in notice


def a_set_is_seen(answer, seen):
    assert f"probable enough: {', '.join(answer['set']) or '–'}" in seen["text"]


def a_number_is_seen(answer, seen):
    assert seen["figures"] == [str(answer["value"])]


def choices_are_seen(answer, seen):
    assert seen["bars"] == percents((x["text"], x["score"]) for x in answer["choices"])
    assert seen["best"] == [answer["choices"][answer["index"]]["text"]]


def entities_are_seen(answer, seen):
    assert len(answer["entities"]) > 1
    assert seen["marks"] == named(answer["entities"])
    found = [(f"{x['text']} · {x['label']}", x["score"]) for x in answer["entities"]]
    assert seen["bars"][-len(found) :] == percents(found)


def a_frame_is_seen(answer, seen):
    entities_are_seen(answer, seen)
    count = len(answer["labels"])
    assert seen["bars"][:count] == percents((x["label"], x["score"]) for x in answer["labels"])
    assert seen["best"] == [answer["label"]]


def a_relation_is_seen(answer, seen):
    ((one,), count) = (answer["relations"], len(answer["labels"]))
    assert seen["marks"] == [*named([one["head"]], "Head"), *named([one["tail"]], "Tail")]
    told = f"{one['head']['text']} → {one['label']} → {one['tail']['text']}"
    assert percents([(told, one["score"])])[0] in seen["bars"]
    assert len(seen["bars"]) == 1 + count


def answers_are_seen(answer, seen):
    numbered, marked = [{**x, "label": str(i + 1)} for i, x in enumerate(answer["answers"])], []
    for piece in numbered:
        if not any(x["start"] < piece["end"] and piece["start"] < x["end"] for x in marked):
            marked.append(piece)
    assert seen["marks"] == named(sorted(marked, key=lambda x: x["start"]))
    found = [(f"{x['text']} · {x['label']}", x["score"]) for x in numbered]
    assert seen["bars"] == percents(found)
    assert ("Nothing was found." in seen["text"]) == (not found)


def answers_or_that_there_is_none_are_seen(answer, seen):
    answers_are_seen(answer, seen)
    assert f"no answer: {100 * answer['no_answer']:.1f}%" in seen["text"]


def a_vector_is_seen(answer, seen):
    vector = answer["embedding"]
    assert f"{len(vector)} numbers, of length" in seen["text"]
    assert ", ".join(f"{x:.4f}" for x in vector[:8]) in seen["text"]


def a_score_is_seen(answer, seen):
    assert seen["figures"] == [str(answer["score"])]


def gaps_are_seen(answer, seen):
    assert seen["heads"] == ["Gap 1", "Gap 2"]
    first, second = answer["masks"]
    assert seen["bars"] == percents((x["token"], x["score"]) for x in [*first, *second])
    assert seen["best"] == [first[0]["token"], second[0]["token"]]


def what_goes_on_is_seen(answer, seen):
    assert answer["text"]
    assert seen["quotes"] == [answer["text"]]


def a_pair_of_labels_is_seen(answer, seen):
    assert len(answer["labels"]) == 2
    labels_are_seen(answer, seen)


CONTEXT = "the card was in the week . the film was in the match . the team was in the league ."
TRIED = {
    "one label": ("the film was 2", classes_are_seen),
    "several labels": ("the film and the card", labels_are_seen),
    "sets": ("the film was 2", a_set_is_seen),
    "out of scope": ("you they she he 3", a_stranger_is_seen),
    "a number": ("the card card card", a_number_is_seen),
    "choices": ({"question": "film film the week 3", "choices": ["card", "film", "team"]},
                choices_are_seen),
    "tags": ("ann lee met karl braun in osaka", entities_are_seen),
    "spans": ("ann lee met karl braun in osaka", entities_are_seen),
    "frames": ("ann lee met karl braun in osaka", a_frame_is_seen),
    "relations": ({"text": "the card was in the film", "head": "card", "tail": "film"},
                  a_relation_is_seen),
    "questions": ({"question": "where is the film ?", "context": CONTEXT}, answers_are_seen),
    "questions without answers": ({"question": "where is the money ?", "context": CONTEXT},
                                  answers_or_that_there_is_none_are_seen),
    "vectors of labels": ("the film was 2", a_vector_is_seen),
    "ranked": ({"text": "film 3", "text_pair": "the film film"}, a_score_is_seen),
    "gaps": ("the [MASK] was in the [MASK]", gaps_are_seen),
    "goes on": ("the film", what_goes_on_is_seen),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIED)
def test_each_kind_of_model_is_tried_and_its_answer_is_seen(opened, kind_folder, keys, name):
    given, are_seen = TRIED[name]
    page = opened(model=kind_folder(name))
    seen = page.ask(**typed(given))
    headers = {**keys.header(), "Content-Type": "application/json"}
    body = {"inputs": [given], "top_k": 5}
    status, _, content = page.server.ask("POST", "/v1/models/model/predict", headers, body)
    assert status == 200
    are_seen(json.loads(content)["predictions"][0], seen)
    assert page.complaints() == []


@pytest.mark.parametrize("name", TRIED)
def test_what_a_model_has_as_its_example_is_answered(opened, kind_folder, name):
    page = opened(model=kind_folder(name))
    assert not page.at("tasking").is_displayed()
    assert "tokens, windows: 1" in page.ask()["text"]
    assert page.complaints() == []


TASKS = {
    "task-0": ({"text": "the film was 2", "text_pair": "film"}, a_pair_of_labels_is_seen),
    "task-1": ({"tokens": "ann lee met karl braun in osaka"}, entities_are_seen),
    "task-2": ({"question": "where is the film ?", "context": CONTEXT}, answers_are_seen),
}


def test_each_task_of_a_model_is_chosen_and_tried_and_its_answer_is_seen(opened, kind_folder, keys):
    page = opened(model=kind_folder("tasks of all kinds"))
    headers = {**keys.header(), "Content-Type": "application/json"}
    for task, (given, are_seen) in reversed(TASKS.items()):
        assert page.choose(task) == list(given)
        assert page.at("answer").text == ""
        assert "tokens, windows: 1" in page.ask()["text"]
        seen = page.ask(**given)
        body = {"inputs": [{"task": task, **given}], "top_k": 5}
        status, _, content = page.server.ask("POST", "/v1/models/model/predict", headers, body)
        assert status == 200
        answer = json.loads(content)["predictions"][0]
        assert seen["heads"] == list(answer["tasks"]) == [task]
        are_seen(answer["tasks"][task], seen)
    assert page.complaints() == []


def test_a_model_of_one_task_has_none_to_choose_from(opened, kind_folder, model_folder):
    page = opened(several=kind_folder("tasks of all kinds"), topics=model_folder)
    buttons = page.browser.find_elements(By.CSS_SELECTOR, "#tasks button")
    assert sorted(x.text for x in buttons) == list(TASKS)
    page.choose("task-2")
    page.click(page.browser.find_elements(By.CSS_SELECTOR, "#models button")[1])
    assert not page.at("tasking").is_displayed()
    assert "tokens, windows: 1" in page.ask(text="the film was 2")["text"]
    assert page.complaints() == []


# Answers that no small model gives when it is asked to


def piece(text, part, label=None, score=0.9):
    start = text.index(part)
    found = {"text": part, "start": start, "end": start + len(part), "score": score}
    return found if label is None else {**found, "label": label}


@pytest.fixture
def shown(opened, model_folder):
    """What is seen of an answer to an input."""
    page = opened(topics=model_folder)

    def show(given, answer):
        script = (
            "state.answer = { input: arguments[0], answer: arguments[1], took: 1 }; showAnswer();"
        )
        page.browser.execute_script(script, given, answer)
        assert page.complaints() == []
        return page.browser.execute_script(SEEN)

    return show


def test_pieces_are_counted_in_whole_characters(shown):
    text = "\U0001f44d ann lee met karl braun in \U0001d54f osaka"
    found = [piece(text, "ann lee", "PER"), piece(text, "osaka", "LOC")]
    seen = shown(text, {"entities": found})
    assert seen["marks"] == [["ann lee", "PER"], ["osaka", "LOC"]]
    assert seen["quotes"] == [text]


def test_pieces_may_lie_in_one_another_and_cross(shown):
    text = "the bank of new york and jersey"
    nested = [piece(text, "bank of new york", "ORG"), piece(text, "new york", "LOC")]
    seen = shown({"text": text}, {"entities": nested})
    assert seen["marks"] == [["bank of new york", "ORG"], ["new york", "LOC"]]
    crossing = [piece(text, "bank of new york", "ORG"), piece(text, "york and jersey", "LOC")]
    seen = shown({"text": text}, {"entities": crossing})
    assert seen["marks"] == [["bank of new york", "ORG"], [" and jersey", "LOC"]]
    assert seen["quotes"] == [text]


def test_an_answer_is_marked_where_it_was_found(shown):
    """Not in the question, which has the same words in the same place."""
    given = {"question": "week is it ?", "context": "week . the film was in the match"}
    seen = shown(given, {"answers": [piece("week", "week")]})
    assert seen["marks"] == [["week", "1"]]
    assert seen["quotes"] == [given["context"]]


def test_that_there_is_no_answer_is_said(shown):
    seen = shown({"question": "who ?", "context": "a text"}, {"answers": [], "no_answer": 0.75})
    assert (seen["marks"], seen["bars"]) == ([], [])
    assert "Nothing was found." in seen["text"]
    assert "no answer: 75.0%" in seen["text"]


def test_the_relations_of_all_entities_are_told(shown):
    text = "ann lee of osaka met karl braun"
    who, place, other = (piece(text, x) for x in ("ann lee", "osaka", "karl braun"))
    named_ones = [{**who, "label": "PER"}, {**place, "label": "LOC"}, {**other, "label": "PER"}]
    found = [
        {"head": who, "tail": place, "label": "lives in", "score": 0.8},
        {"head": who, "tail": other, "label": "met", "score": 0.7},
    ]
    seen = shown(text, {"relations": found, "entities": named_ones})
    assert seen["marks"] == [["ann lee", "PER"], ["osaka", "LOC"], ["karl braun", "PER"]]
    told = [("ann lee → lives in → osaka", 0.8), ("ann lee → met → karl braun", 0.7)]
    assert seen["bars"] == percents(told)


def test_texts_stay_texts(shown, browser):
    text = "<img src=x onerror=document.title='run'> <script>document.title='run'</script> ann"
    label = "<b>PER</b>"
    seen = shown(text, {"entities": [piece(text, "<script>", label), piece(text, "ann", label)]})
    assert seen["quotes"] == [text]
    assert seen["marks"] == [["<script>", label], ["ann", label]]
    assert browser.title == "Glossator endpoint"
    assert browser.find_elements(By.CSS_SELECTOR, "#answer img, #answer script, #answer b") == []


def test_a_key_that_opens_nothing_says_so(opened, model_folder):
    page = opened(topics=model_folder)
    page.complaints()
    page.open("glo_wrong")
    assert page.trouble.startswith("a valid key is needed")
    assert not page.at("trying").is_displayed()
    assert len(page.complaints()) == 1  # of the browser, of the status 401


def test_what_cannot_be_read_says_so_and_the_page_goes_on(opened, kind_folder):
    page = opened(model=kind_folder("one label"))
    page.complaints()
    page.fill("field-text", "")
    page.press("asking")
    assert page.trouble == "the text is empty"
    page.complaints()
    assert page.ask(text="the film was 2")["bars"]


def test_models_are_chosen_and_the_language_is_changed(opened, kind_folder, model_folder):
    page = opened(topics=model_folder, choices=kind_folder("choices"))
    page.ask(text="the film was 2")
    buttons = page.browser.find_elements(By.CSS_SELECTOR, "#models button")
    assert [x.text.split("\n")[0] for x in buttons] == ["topics", "choices"]
    page.click(buttons[1])
    assert page.at("answer").text == ""
    page.ask(question="film film", choices="card\nfilm")
    page.click(page.at("language"))
    assert page.at("field-choices").get_attribute("value") == "card\nfilm"
    assert "每行一个" in page.at("asking").text
    assert "个词元" in page.at("answer").text
    assert page.complaints() == []


def test_the_load_is_drawn(opened, model_folder):
    page = opened(topics=model_folder)
    page.ask(text="the film was 2")
    # Of one moment: the page draws again and again.
    look = """
        const lines = Array.from(document.querySelectorAll("#plots path"))
          .map((path) => path.getAttribute("d").replaceAll("l0.1 0", "").match(/ [0-9.]+/g) ?? [])
          .map((found) => Array.from(new Set(found)));
        return [lines, Array.from(document.querySelectorAll("#tiles b")).map((x) => x.textContent)];
    """

    def drawn():
        lines, tiles = page.browser.execute_script(look)
        return len(lines) == 7 and all(lines[2:4]) and (lines, tiles)

    # Once the interval is over in which the question was asked.
    lines, tiles = page.until(drawn)
    requests, texts, median, slowest, tokens, refused, failed = lines
    assert [len(x) for x in (requests, texts, tokens)] == [2, 2, 2]  # none, and what was asked
    assert [len(x) for x in (median, slowest)] == [1, 1]
    assert [len(x) for x in (refused, failed)] == [1, 1]
    assert len(tiles) == 4
    assert page.complaints() == []
