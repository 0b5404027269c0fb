"""<tinylm-live> as a reader meets it: in a page that carries all it needs, and with its files beside it."""

import base64
import gzip
import json
import re
import zlib

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from live import part

from tinylm import decoding
from tinylm.live import VIEWS, explore, markup
from tinylm.live.publishing import publish, restore
from tinylm.live.reading import read

PAGE = """<!doctype html><html lang="en"{root}><head><meta charset="utf-8">{head}
<meta name="viewport" content="width=device-width"><title>A page</title></head>
<body><main><h1>A page</h1>{body}<p id="below">What follows.</p></main></body></html>"""


class Opened:
    """A page with an element, and what it complained of."""

    def __init__(self, page, address: str):
        self.page, self.complaints, self.asked = page, [], []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)
        self.live = page.locator("tinylm-live")

    @property
    def state(self) -> str:
        return self.live.get_attribute("data-state")

    @property
    def message(self) -> str:
        return self.page.locator(".message").inner_text()

    def wake(self) -> "Opened":
        self.page.locator("textarea").focus()
        self.page.wait_for_function(
            "['ready', 'failed'].includes(document.querySelector('tinylm-live').dataset.state)"
        )
        return self

    def chips(self) -> list[int]:
        return [int(text) for text in self.page.locator(".chips i").all_inner_texts()]

    def next(self) -> list[tuple[str, str]]:
        rows = self.page.locator(".next tbody tr")
        return [tuple(row.locator("td").all_inner_texts()[:2]) for row in rows.all()]


@pytest.fixture
def open_live(chromium, tmp_path):
    contexts = []

    def opened(html: str, filed: bool = False, head: str = "", edit=lambda files: files, **context) -> Opened:
        if filed:
            html, files = part(html)
            head += '<script src="_static/live/tinylm-live.js" defer></script>'
            folder = tmp_path / "_static" / "live"
            folder.mkdir(parents=True, exist_ok=True)
            for name, script in edit(files).items():
                (folder / f"{name}.js").write_text(script, encoding="utf-8")
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(root="", head=head, body=html), encoding="utf-8")
        contexts.append(chromium.new_context(**context))
        return Opened(contexts[-1].new_page(), path.as_uri())

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def model(make_model):
    return make_model(context=32)


@pytest.fixture
def published(model, tokenizer):
    """The model with the numbers that the page has."""
    return restore(publish(model, tokenizer))


@pytest.mark.parametrize("filed", [False, True])
def test_it_answers_what_pytorch_answers(open_live, model, published, tokenizer, filed):
    opened = open_live(explore(model, tokenizer, "Mira lives", views=VIEWS).html(), filed).wake()
    assert opened.state == "ready", opened.message
    opened.page.locator("textarea").fill("She hasn't 12 cats")
    ids = tokenizer.encode("She hasn't 12 cats")
    assert opened.chips() == ids
    p = read(published, ids).logits[-1].softmax(-1)
    wanted = [f"{100 * share:.1f} %" for share in p.topk(8).values.tolist()]
    assert [share for _, share in opened.next()] == wanted
    assert "WebAssembly" in opened.page.locator(".trust").inner_text()
    assert float(opened.page.locator(".pane").get_attribute("data-difference")) < 1e-4
    assert opened.complaints == []
    assert all(url.startswith("file:") for url in opened.asked if not url.startswith("data:"))


def test_a_notebook_that_builds_the_output_by_hand_has_a_live_model_too(open_live, model, tokenizer):
    """JupyterLab sets `innerHTML`, which opens no shadow template, and then runs the scripts one by one."""
    html = explore(model, tokenizer, "Mira lives", views=VIEWS).html()
    opened = open_live("<div id='output'></div>")
    opened.page.evaluate(
        """(html) => {
          const output = document.querySelector("#output");
          output.innerHTML = html;
          for (const old of output.querySelectorAll("script.tinylm-carried")) {
            const script = document.createElement("script");
            script.textContent = old.textContent;
            old.replaceWith(script);
          }
        }""",
        html,
    )
    assert opened.wake().state == "ready"
    assert opened.chips() == tokenizer.encode("Mira lives")
    assert opened.complaints == []


def test_before_any_script_runs_the_page_shows_what_the_script_shows_later(open_live, model, tokenizer):
    html = explore(model, tokenizer, "Mira lives near", views=VIEWS).html()
    still = open_live(html, filed=True, java_script_enabled=False)
    opened = open_live(html).wake()
    for place in (
        ".chips b",
        ".chips i",
        ".chips u",
        ".next tbody td:nth-child(2)",
        ".surprise",
        ".lens td",
        ".after",
    ):
        before = [" ".join(text.split()) for text in still.page.locator(place).all_inner_texts()]
        after = [" ".join(text.split()) for text in opened.page.locator(place).all_inner_texts()]
        assert before == after, place


def test_without_scripts_no_control_is_left_that_does_nothing(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira", views=VIEWS).html(), True, java_script_enabled=False)
    assert opened.page.locator(".next").is_visible()
    for control in opened.page.locator("tinylm-live :is(button, input, select, textarea)").all():
        idle = control.is_disabled() or control.get_attribute("readonly") is not None
        assert idle or not control.is_visible()


def test_nothing_is_loaded_before_the_reader_touches_it(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira").html(), filed=True)
    opened.page.wait_for_timeout(300)
    assert [url.rpartition("/")[2] for url in opened.asked] == ["page.html", "tinylm-live.js"]
    assert opened.state == "asleep"
    opened.wake()
    assert len(opened.asked) == 3


def test_write_on_writes_what_python_writes_under_the_same_seed(open_live, model, published, tokenizer):
    how = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "seed": 5}
    opened = open_live(explore(model, tokenizer, "Mira lives", n_tokens=60, **how).html()).wake()
    opened.page.get_by_role("button", name="Write on").click()
    opened.page.wait_for_function("document.querySelector('tinylm-live').panes[0].written.length === 60")
    written = opened.page.evaluate("document.querySelector('tinylm-live').panes[0].written")
    prompt = tokenizer.encode("Mira lives")
    wanted = decoding.generate(published, [prompt], 60, **how)[0][len(prompt) :]
    assert written == wanted  # past the 32 tokens of context too


def test_writing_stops_when_told_and_starts_over(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira", n_tokens=5_000).html()).wake()
    opened.page.get_by_role("button", name="Write on").click()
    opened.page.wait_for_function("document.querySelector('tinylm-live').panes[0].written.length > 3")
    opened.page.get_by_role("button", name="Stop").click()
    n = opened.page.evaluate("document.querySelector('tinylm-live').panes[0].written.length")
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("document.querySelector('tinylm-live').panes[0].written.length") <= n + 1
    opened.page.get_by_role("button", name="Start over").click()
    assert opened.page.locator(".written").inner_text() == ""


def test_a_chosen_token_is_added(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira").html()).wake()
    first = opened.page.locator(".next button").first
    token = int(first.get_attribute("data-id"))
    first.click()
    assert opened.chips() == [*tokenizer.encode("Mira"), token]


def test_stop_strings_and_a_hidden_beginning_are_kept(open_live, model, tokenizer):
    prompt = explore(model, tokenizer, "Mira", before="<|end|>", stop=[" ", "a", "e"], n_tokens=500)
    opened = open_live(prompt.html()).wake()
    assert opened.chips() == tokenizer.encode("<|end|>Mira")
    opened.page.get_by_role("button", name="Write on").click()
    opened.page.wait_for_function("!document.querySelector('tinylm-live').writing")
    n = opened.page.evaluate("document.querySelector('tinylm-live').panes[0].written.length")
    assert 0 < n < 500


def test_heads_and_layers_are_switched_off_as_in_pytorch(open_live, model, published, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira lives near", views=VIEWS).html()).wake()
    opened.page.locator("select.layer").select_option("1")
    opened.page.locator(".head input").nth(2).uncheck()
    opened.page.locator("select.layer").select_option("0")
    opened.page.locator(".layer-on").uncheck()
    assert "layer 0, head 2 of layer 1" in opened.message
    logits = read(published, tokenizer.encode("Mira lives near"), [(1, 2)], [0]).logits[-1]
    wanted = [f"{100 * share:.1f} %" for share in logits.softmax(-1).topk(8).values.tolist()]
    assert [share for _, share in opened.next()] == wanted


def test_the_pair_of_tokens_under_the_pointer_and_the_keys_is_told(open_live, model, published, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira lives near", views=["attention"]).html()).wake()
    ids = tokenizer.encode("Mira lives near")
    maps = read(published, ids).maps
    canvas = opened.page.locator("canvas").nth(1)
    box = canvas.bounding_box()
    n = len(ids)
    canvas.hover(position={"x": box["width"] * 0.5 / n, "y": box["height"] * (n - 1.5) / n})
    share = 100 * maps[0, 1, n - 2, 0].item()
    assert f"takes {share:.1f} % from" in opened.page.locator(".pair").inner_text()
    canvas.focus()
    opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("ArrowRight")
    share = 100 * maps[0, 1, n - 1, 1].item()
    assert f"takes {share:.1f} % from" in opened.page.locator(".pair").inner_text()
    assert f"(place {n - 1})" in opened.page.locator(".pair").inner_text()


def test_two_models_go_side_by_side_on_one_prompt(open_live, make_model, tokenizer):
    models = [make_model(0), make_model(1)]
    html = explore(models, tokenizer, "Mira", labels=["before", "after"], views=["next"]).html()
    opened = open_live(html, filed=True).wake()
    panes = opened.page.locator(".pane")
    assert panes.count() == 2
    opened.page.locator("textarea").fill("Mira lives")
    for pane, model in zip(panes.all(), models, strict=True):
        logits = read(restore(publish(model, tokenizer)), tokenizer.encode("Mira lives")).logits[-1]
        best = f"{100 * logits.softmax(-1).max().item():.1f} %"
        assert pane.locator(".next tbody td:nth-child(2)").first.inner_text() == best
    opened.page.get_by_role("button", name="Next token").click()
    written = opened.page.evaluate("document.querySelector('tinylm-live').panes.map((p) => p.written.length)")
    assert written == [1, 1]


def test_one_model_in_two_elements_is_loaded_once(open_live, model, tokenizer):
    pair = explore(model, tokenizer, "Mira").html() + explore(model, tokenizer, "lives").html()
    opened = open_live(pair, filed=True)
    for box in opened.page.locator("textarea").all():
        box.focus()
    opened.page.wait_for_function(
        "[...document.querySelectorAll('tinylm-live')].every((e) => e.dataset.state === 'ready')"
    )
    assert len([url for url in opened.asked if "tinylm-live.js" not in url]) == 2  # the page, the weights


# ---- bad input


def test_a_text_longer_than_the_context_is_cut_and_that_is_said(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira").html()).wake()
    text = "Where does Mira live? " * 20
    opened.page.locator("textarea").fill(text)
    ids = tokenizer.encode(text)
    assert opened.chips() == ids[-16:]
    assert f"sees 32 tokens at most: the first {len(ids) - 16} are out" in opened.message


@pytest.mark.parametrize("prompt", ["", "Mira"])
def test_an_empty_prompt_is_explained(open_live, model, tokenizer, prompt):
    opened = open_live(explore(model, tokenizer, prompt, views=VIEWS).html()).wake()
    opened.page.locator("textarea").fill("")
    assert "Type something" in opened.message
    assert opened.page.get_by_role("button", name="Next token").is_disabled()
    opened.page.locator("textarea").fill("Mira")
    assert opened.page.get_by_role("button", name="Next token").is_enabled()
    assert opened.complaints == []


def test_emoji_and_half_characters_are_read(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira").html()).wake()
    opened.page.locator("textarea").fill("🙂 日本")
    assert opened.chips() == tokenizer.encode("🙂 日本")
    opened.page.evaluate(
        """() => {
          const box = document.querySelector("tinylm-live").shadowRoot.querySelector("textarea");
          box.value = "a\\ud83d";
          box.dispatchEvent(new Event("input"));
        }"""
    )
    assert opened.chips() == tokenizer.encode("a\ufffd")
    assert "Half a character" in opened.message


def test_a_prompt_that_looks_like_html_is_only_text(open_live, model, tokenizer):
    prompt = "</textarea></template><script>window.hacked = 1</script>&amp;"
    opened = open_live(explore(model, tokenizer, prompt, views=VIEWS, before="<b>").html()).wake()
    assert opened.page.locator("textarea").input_value() == prompt
    assert opened.page.evaluate("window.hacked") is None


def damaged(files):
    """The weights with one letter changed."""
    name = next(name for name in files if name != "tinylm-live")
    head, _, rest = files[name].partition('"weights":"')
    return files | {name: head + '"weights":"' + ("B" if rest[0] == "A" else "A") + rest[1:]}


def without_weights(files):
    return {"tinylm-live": files["tinylm-live"]}


def not_numbers(files):
    """Weights that are whole and hold a NaN."""
    name = next(name for name in files if name != "tinylm-live")
    start, _, data = files[name].partition(" = ")
    data = json.loads(data.rstrip().rstrip(";"))
    weights = b"\xff\x7f" + base64.b64decode(data["weights"])[2:]
    data |= {"weights": base64.b64encode(weights).decode(), "checksum": zlib.crc32(weights)}
    return files | {name: f"{start} = {json.dumps(data)};"}


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [(damaged, "damaged"), (without_weights, "did not load"), (not_numbers, "not all numbers")],
)
def test_weights_that_are_of_no_use_are_told_in_a_sentence(open_live, model, tokenizer, edit, sentence):
    opened = open_live(explore(model, tokenizer, "Mira").html(), filed=True, edit=edit).wake()
    assert opened.state == "failed"
    assert sentence in opened.message
    assert "computed by PyTorch" in opened.message
    assert not opened.page.get_by_role("button", name="Write on").is_visible()
    assert opened.page.get_by_role("button", name="Try again").is_visible()


def test_trying_again_works_when_the_file_is_there(open_live, model, tokenizer, tmp_path):
    html = explore(model, tokenizer, "Mira").html()
    opened = open_live(html, filed=True, edit=without_weights).wake()
    for name, script in part(html)[1].items():
        (tmp_path / "_static" / "live" / f"{name}.js").write_text(script, encoding="utf-8")
    opened.page.get_by_role("button", name="Try again").click()
    opened.page.wait_for_function("document.querySelector('tinylm-live').dataset.state === 'ready'")
    assert opened.page.get_by_role("button", name="Write on").is_visible()


@pytest.mark.parametrize("policy", ["script-src file: 'unsafe-inline'", "none"])
def test_without_webassembly_plain_javascript_computes(open_live, model, tokenizer, policy):
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        if policy != "none"
        else "<script>delete globalThis.WebAssembly</script>"
    )
    opened = open_live(explore(model, tokenizer, "Mira").html(), head=head).wake()
    assert opened.state == "ready"
    assert "plain JavaScript" in opened.page.locator(".trust").inner_text()
    assert float(opened.page.locator(".pane").get_attribute("data-difference")) < 1e-4


# ---- every reader


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    open_live, make_model, tokenizer, scheme, width
):
    models = [make_model(0), make_model(1)]
    html = explore(models, tokenizer, "Where does Mira live?", views=VIEWS, labels=["one", "two"]).html()
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    head = "<style>:root{color-scheme:light dark}</style>"
    opened = open_live(html, filed=True, head=head, **look)
    for state in ("asleep", "ready"):
        if state == "ready":
            opened.wake()
            opened.page.get_by_role("button", name="Next token").click()
        found = Axe().run(opened.page)
        assert found.violations_count == 0, found.generate_report()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_can_be_used_by_keyboard_alone(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira", views=["tokens", "next", "attention"]).html())
    opened.page.keyboard.press("Tab")
    opened.wake()
    opened.page.keyboard.press("End")
    opened.page.keyboard.type(" lives")
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")  # next token
    n = len(tokenizer.encode("Mira lives")) + 1
    assert len(opened.chips()) == n
    opened.page.locator(".chips").focus()
    opened.page.keyboard.press("Home")
    assert "(place 0)" in opened.page.locator(".pair").inner_text()
    opened.page.keyboard.press("ArrowRight")
    chosen = opened.page.locator(".chips [aria-selected=true]")
    assert chosen.count() == 1
    assert chosen.get_attribute("id") == opened.page.locator(".chips").get_attribute("aria-activedescendant")


def test_adding_tokens_by_keyboard_keeps_the_focus(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira").html()).wake()
    opened.page.locator(".next button").nth(2).focus()
    for _ in range(3):
        opened.page.keyboard.press("Enter")
    assert len(opened.chips()) == len(tokenizer.encode("Mira")) + 3


@pytest.mark.parametrize("width", [360, 1280])
def test_waking_moves_nothing(open_live, model, tokenizer, width):
    html = explore(model, tokenizer, "Where does Mira live?", views=VIEWS).html()
    opened = open_live(html, filed=True, viewport={"width": width, "height": 800})
    opened.page.evaluate(
        """() => {
          window.shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.shift += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
        }"""
    )
    before = opened.page.locator("#below").bounding_box()["y"]
    opened.wake()
    opened.page.wait_for_timeout(300)
    assert abs(opened.page.locator("#below").bounding_box()["y"] - before) < 40
    assert opened.page.evaluate("window.shift") < 0.05


def test_print_shows_the_picture_without_controls(open_live, model, tokenizer):
    opened = open_live(explore(model, tokenizer, "Mira", views=VIEWS).html())
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".next").is_visible()
    assert not opened.page.get_by_role("button", name="Write on").is_visible()


def test_the_script_is_small():
    assert len(gzip.compress(markup.runtime().encode())) <= 15_000


def test_the_script_asks_no_other_host():
    assert not re.search(r"https?://|fetch\(|XMLHttpRequest|import\(", markup.runtime())


def test_random_weights_survive_the_way_to_the_page(make_model, tokenizer):
    model = make_model(3, qk_norm=True, tied=False, n_kv_heads=2)
    there = restore(publish(model, tokenizer))
    for (name, here), given in zip(model.state_dict().items(), there.state_dict().values(), strict=True):
        assert torch.equal(here.half().float(), given), name
