"""Show measured numbers in the prose, and claims with their verdicts.

A chapter's cell records a number with `tinylm.claims.measured` or `noted`; myst-nb keeps the record beside
the executed page. Roles and directives leave a placeholder while pages are read, and are filled once all are,
so that a page may speak of a number that a later cell or another page measures. Where a cell recorded it, the
page shows nothing.

    {claim}`id`  {claim}`id|.2f`  {claim}`id:sd`     a claim's measured value; formatted; its spread over runs
    {number}`name`  {number}`chapters/page/name`     another number of this page; of another page
    {claims-said}  {claims-found}                    what this chapter tests; what it found
    {claims-table}  {claims-articles}                all rows; the articles and their letters
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import claim_rows
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tinylm.claims import MIME, Number

CLAIMS_PAGE = "chapters/claims"
ROLE_TEXT = re.compile(r"(?P<name>[\w./-]+)(?P<spread>:sd)?(\|(?P<format>.+))?$")
LOG = logging.getLogger(__name__)


@dataclass
class Claims:
    """All that the placeholders are filled from."""

    rows: dict[str, dict]
    articles: dict[str, str]
    measured: dict[str, tuple[Number, str]]  # by id: the number, and the page that measured it
    noted: dict[str, dict[str, Number]]  # by page, then by name


class PendingNumber(nodes.inline):
    """Stands where a role was read."""


class PendingTable(nodes.General, nodes.Element):
    """Stands where a directive was read."""


class NumberRole(SphinxRole):
    """{claim} and {number}."""

    def run(self):
        parts = ROLE_TEXT.match(self.text.strip())
        if not parts:
            message = self.inliner.reporter.error(
                f"{{{self.name}}}`{self.text}` is not `name`, `name:sd` or `name|.2f`"
            )
            return [], [message]
        node = PendingNumber(role=self.name, number=parts["name"], spread=bool(parts["spread"]))
        node["format"] = parts["format"] or ".3g"
        self.set_source_info(node)
        return [node], []


class ClaimsDirective(SphinxDirective):
    """{claims-said}, {claims-found}, {claims-table} and {claims-articles}."""

    def run(self):
        node = PendingTable(show=self.name)
        self.set_source_info(node)
        return [node]


# ---- reading what was measured


def collect(app, env) -> None:
    """Gather rows and records once all pages are read, and warn of what does not fit."""
    folder = Path(app.srcdir) / "chapters"
    try:
        rows = claim_rows.load(folder)
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    articles = claim_rows.articles(folder) if rows else {}
    for name, problem in claim_rows.problems(rows, articles, folder):
        LOG.warning("claims.yml: %s %s", name, problem)
        rows.pop(name, None)  # told; what follows may rely on the rules
    claims = app.claims = Claims(rows, articles, {}, {})
    for page, data in env.nb_metadata.items():
        if data.get("glue"):
            for number in read_numbers(glue_file(env, page)):
                record(claims, number, page, env)
    for name, row in rows.items():
        page = f"chapters/{row['chapter']}"
        if row["status"] == "measured" and page in env.all_docs and name not in claims.measured:
            LOG.warning(
                "claim %s has status: measured, but no cell of %s measures it", name, page, location=page
            )


def read_numbers(path: Path):
    """The records of `tinylm.claims` in the outputs that myst-nb kept of a page."""
    for output in json.loads(path.read_text(encoding="utf-8")).values():
        if MIME in output["data"]:
            fields = output["data"][MIME]
            yield Number(fields["name"], fields["kind"], tuple(fields["values"]), fields["unit"])


def hide_records(app, doctree) -> None:
    """Take from a page the line that a record shows in a notebook: here the prose tells the number."""
    env = app.env
    if not env.nb_metadata.get(env.docname, {}).get("glue"):
        return
    lines = {str(number) for number in read_numbers(glue_file(env, env.docname))}
    for output in list(doctree.findall(is_output)):
        for bundle in list(output.children):
            if bundle.get("nb_element") == "mime_bundle" and bundle.astext() in lines:
                output.remove(bundle)
        if not output.children:
            output.parent.remove(output)


def is_output(node: nodes.Node) -> bool:
    """Whether a node holds what a cell has put out."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def glue_file(env, page: str) -> Path:
    """Where myst-nb keeps the records of a page."""
    return Path(env.mystnb_config.output_folder) / f"{page}.glue.json"


def record(claims: Claims, number: Number, page: str, env) -> None:
    if number.kind == "number":
        claims.noted.setdefault(page, {})[number.name] = number
        return
    where = (page, line_of(number.name, env.doc2path(page)))
    row = claims.rows.get(number.name)
    if row is None:
        hint = claim_rows.did_you_mean(number.name, claims.rows)
        LOG.warning(
            "claim %s is measured here, but has no row in claims.yml%s", number.name, hint, location=where
        )
    elif f"chapters/{row['chapter']}" != page:
        LOG.warning(
            "claim %s is measured here, but its row says %s", number.name, row["chapter"], location=where
        )
    elif row["status"] == "planned":
        LOG.warning(
            "claim %s is measured here: fill its row and set status: measured", number.name, location=where
        )
    if number.name in claims.measured:
        other = claims.measured[number.name][1]
        LOG.warning("claim %s is measured twice, here and in %s", number.name, other, location=where)
    claims.measured[number.name] = (number, page)


def line_of(name: str, path: str) -> int | None:
    """The line of the source that speaks of `name` as a string."""
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if f'"{name}"' in line or f"'{name}'" in line:
            return number
    return None


# ---- filling the placeholders


def resolve(app, doctree, page) -> None:
    for node in list(doctree.findall(PendingNumber)):
        node.replace_self(filled_number(app, node, page))
    for node in list(doctree.findall(PendingTable)):
        node.replace_self(filled_table(app, node, page))


def filled_number(app, node: PendingNumber, page: str) -> nodes.Node:
    number = find_number(app.claims, node, page)
    if number is None:
        return nodes.inline("", "?", classes=["measured"])
    value = number.spread if node["spread"] else number.value
    try:
        text = format(value, node["format"])
    except (ValueError, TypeError):
        what = "one run has no spread" if value is None else f"{node['format']} is no format for a number"
        LOG.warning("{%s}`%s`: %s", node["role"], node["number"], what, location=node)
        text = "?"
    text = text.replace("-", "−", 1) if text.startswith("-") else text  # the sign, not the hyphen
    inline = nodes.inline("", text, classes=["measured"])
    return link(app, page, node["number"], inline) if node["role"] == "claim" else inline


def find_number(claims: Claims, node: PendingNumber, page: str) -> Number | None:
    """The record that a role asks for, or None after a warning."""
    name = node["number"]
    if node["role"] == "claim":
        if name in claims.measured:
            return claims.measured[name][0]
        known = claims.rows if name not in claims.rows else {}
        why = (
            "is in claims.yml, but nothing measured it" if name in claims.rows else "has no row in claims.yml"
        )
    else:
        if "/" in name:
            page, _, name = name.rpartition("/")
        known = claims.noted.get(page, {})
        if name in known:
            return known[name]
        why = f"is not noted by any cell of {page}"
    LOG.warning(
        "{%s}`%s`: %s%s", node["role"], name, why, claim_rows.did_you_mean(name, known), location=node
    )
    return None


def link(app, page: str, claim: str, *content: nodes.Node) -> nodes.Node:
    """A link from `page` to the row of `claim`."""
    uri = app.builder.get_relative_uri(page, CLAIMS_PAGE) + f"#claim-{claim}"
    return nodes.reference("", "", *content, refuri=uri, internal=True)


def filled_table(app, node: PendingTable, page: str) -> list[nodes.Node]:
    claims = app.claims
    if node["show"] == "claims-table":
        return all_claims(app, page)
    if node["show"] == "claims-articles":
        titles = [[nodes.strong("", letter), text(f" {title}")] for letter, title in claims.articles.items()]
        return [nodes.bullet_list("", *[nodes.list_item("", paragraph(*title)) for title in titles])]
    rows = {name: row for name, row in claims.rows.items() if f"chapters/{row['chapter']}" == page}
    if not rows:
        LOG.warning("{%s}: no row of claims.yml has this chapter", node["show"], location=node)
        return []
    if node["show"] == "claims-said":
        items = [
            nodes.list_item(
                "",
                paragraph(
                    link(app, page, name, text(sentence(row["says"]))), text(" "), *letters(claims, row)
                ),
            )
            for name, row in rows.items()
        ]
        return [nodes.bullet_list("", *items, classes=["claims-said"])]
    body = []
    for name, row in rows.items():
        cells = [
            [link(app, page, name, text(sentence(row["says"])))],
            expected(row),
            found(claims, name),
            verdict(row),
        ]
        body.append(table_row(cells))
    return [table(["claim", "expected", "measured", "verdict"], body, "claims-found")]


def all_claims(app, page: str) -> list[nodes.Node]:
    """A heading and a table for each chapter, in the order of claims.yml, which is the syllabus's."""
    claims = app.claims
    result = [paragraph(text(tally(claims.rows)))]
    by_chapter = {}
    for name, row in claims.rows.items():
        by_chapter.setdefault(row["chapter"], {})[name] = row
    for chapter, rows in by_chapter.items():
        target = f"chapters/{chapter}"
        if target in app.env.all_docs:
            title = app.env.titles[target].astext()
            uri = app.builder.get_relative_uri(page, target)
            heading = [nodes.reference("", title, refuri=uri, internal=True)]
            heads = ["claim", "test", "expected", "measured", "verdict"]
        else:
            heads = ["claim", "test"]
            heading = [
                text(chapter.replace("-", " ").capitalize()),
                nodes.inline("", "planned", classes=["verdict"]),
            ]
        result.append(nodes.rubric("", "", *heading, classes=["claims-chapter"]))
        body = []
        for name, row in rows.items():
            says = [nodes.strong("", sentence(row["says"])), text(" "), *letters(claims, row)]
            cells = [says, [text(row["test"])], expected(row), found(claims, name), verdict(row)]
            body.append(table_row(cells[: len(heads)], ids=[f"claim-{name}"]))
        result.append(table(heads, body, "claims-table"))
    return result


def tally(rows: dict[str, dict]) -> str:
    """How many claims there are, and how many came out how."""
    counts = Counter(row.get("verdict", "planned") for row in rows.values())
    parts = [
        f"{words}: {counts[verdict]}"
        for verdict, words in {**claim_rows.VERDICTS, "planned": "planned"}.items()
    ]
    return f"{len(rows)} claims. {'; '.join(parts)}.".replace("holds", "Holds", 1)


def text(words: str) -> nodes.Node:
    return nodes.Text(words)


def sentence(words: str) -> str:
    """A claim with a capital letter to start with."""
    return words[0].upper() + words[1:]


def paragraph(*content: nodes.Node) -> nodes.Node:
    return nodes.paragraph("", "", *content)


def letters(claims: Claims, row: dict) -> list[nodes.Node]:
    """The articles that make a claim: a letter each, whose title shows on hover."""
    marks = [nodes.abbreviation("", letter, explanation=claims.articles[letter]) for letter in row["from"]]
    return [nodes.inline("", "", *marks, classes=["articles"])]


def expected(row: dict) -> list[nodes.Node]:
    if row["status"] == "planned":
        return []
    low, high = row["expect"]
    words = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return [text(f"{words.replace('-', '−')} {row['unit']}".strip())]


def found(claims: Claims, name: str) -> list[nodes.Node]:
    """Mean, spread over the runs and unit of what was measured, and a mark where that was not expected."""
    if name not in claims.measured:
        return []
    number, _ = claims.measured[name]
    words = f"{number.value:.3g}" if number.spread is None else f"{number.value:.3g} ± {number.spread:.2g}"
    words = f"{words.replace('-', '−')} {number.unit}".strip()
    cell = [nodes.inline("", words, classes=["measured"])]
    if number.spread is not None:
        cell.append(text(f" ({len(number.values)} runs)"))
    row = claims.rows[name]
    if row["status"] == "measured" and not row["expect"][0] <= number.value <= row["expect"][1]:
        cell += [
            text(" "),
            nodes.inline("", "outside the expected interval", classes=["verdict", "verdict-outside"]),
        ]
    return cell


def verdict(row: dict) -> list[nodes.Node]:
    if row["status"] == "planned":
        return [nodes.inline("", "planned", classes=["verdict"])]
    badge = nodes.inline(
        "", claim_rows.VERDICTS[row["verdict"]], classes=["verdict", f"verdict-{row['verdict']}"]
    )
    return [badge, text(" " + row["words"])]


def table_row(cells: list[list[nodes.Node]], **attributes) -> nodes.row:
    return nodes.row(
        "", *[nodes.entry("", paragraph(*cell)) if cell else nodes.entry() for cell in cells], **attributes
    )


def table(heads: list[str], body: list[nodes.row], name: str) -> nodes.table:
    columns = [nodes.colspec(colwidth=1) for _ in heads]
    head = nodes.thead("", table_row([[text(word)] for word in heads]))
    group = nodes.tgroup("", *columns, head, nodes.tbody("", *body), cols=len(heads))
    return nodes.table("", group, classes=["claims", name])


# ---- for the tests, and whoever wants the numbers


def write_numbers(app, error) -> None:
    """Write all that was measured to measured.json beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    claims = app.claims
    data = {
        "claims": {
            name: {"values": number.values, "unit": number.unit, "chapter": page.removeprefix("chapters/")}
            for name, (number, page) in claims.measured.items()
        },
        "numbers": {
            page: {name: number.values for name, number in sorted(numbers.items())}
            for page, numbers in sorted(claims.noted.items())
        },
    }
    (Path(app.outdir) / "measured.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def setup(app):
    for name in "claim", "number":
        app.add_role(name, NumberRole())
    for name in "claims-said", "claims-found", "claims-table", "claims-articles":
        app.add_directive(name, ClaimsDirective)
    for node in PendingNumber, PendingTable:
        app.add_node(node)
    app.connect("doctree-read", hide_records)
    app.connect("env-check-consistency", collect)
    app.connect("doctree-resolved", resolve)
    app.connect("build-finished", write_numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
