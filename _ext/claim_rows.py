"""Read chapters/claims.yml, the claims that the book tests, and say what is wrong with it.

Plain Python: the Sphinx extension beside it and the tests share it.
"""

from difflib import get_close_matches
from pathlib import Path

import yaml

ALWAYS = {"from", "chapter", "kind", "says", "test", "status"}
WHEN_MEASURED = {"unit", "expect", "why", "verdict", "words"}
KINDS = ("measured", "cited", "contested")
STATUSES = ("planned", "measured")
VERDICTS = {"holds": "holds", "limited": "holds with a limit", "corrected": "needs correcting"}


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys and says nothing; two rows of one id are a mistake."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(
                f"{', '.join(sorted(twice))} is there twice (line {node.start_mark.line + 1} on)"
            )
        return super().construct_mapping(node, deep)


def load(chapters: Path) -> dict[str, dict]:
    """The rows by id, in the file's order. Raises ValueError, one line that names the mistake."""
    path = chapters / "claims.yml"
    try:
        return yaml.load(path.read_text(encoding="utf-8"), UniqueKeyLoader) or {}
    except FileNotFoundError:
        return {}
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"chapters/claims.yml: {' '.join(str(error).split())}") from None


def articles(chapters: Path) -> dict[str, str]:
    """The articles' titles by letter."""
    return yaml.safe_load((chapters / "articles.yml").read_text(encoding="utf-8"))


def problems(rows: dict[str, dict], letters, chapters: Path) -> list[tuple[str, str]]:
    """Each row that breaks a rule of claims.yml, as (id, what is wrong)."""
    found = []
    for name, row in rows.items():
        wanted = ALWAYS | (WHEN_MEASURED if row.get("status") == "measured" else set())
        if wanted - row.keys():
            found.append((name, f"lacks {', '.join(sorted(wanted - row.keys()))}"))
            continue
        if row.keys() - ALWAYS - WHEN_MEASURED:
            unknown = sorted(row.keys() - ALWAYS - WHEN_MEASURED)
            found.append((name, f"has unknown fields: {', '.join(unknown)}"))
        if not row["from"] or set(row["from"]) - set(letters):
            found.append((name, f"from: {row['from']} must be letters of articles.yml"))
        for field, allowed in ("kind", KINDS), ("status", STATUSES), ("verdict", VERDICTS):
            if field in row and row[field] not in allowed:
                found.append((name, f"{field}: {row[field]} is none of {', '.join(allowed)}"))
        if row["status"] == "measured":
            if not is_interval(row["expect"]):
                found.append((name, f"expect: {row['expect']} is not [low, high]"))
            if not (chapters / f"{row['chapter']}.md").exists():
                found.append(
                    (name, f"chapters/{row['chapter']}.md does not exist: write it, or set status: planned")
                )
    return found


def is_interval(value) -> bool:
    """Whether `value` is [low, high] in numbers."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(end, int | float) for end in value)
        and value[0] <= value[1]
    )


def did_you_mean(name: str, known) -> str:
    """A hint at the nearest known name, or nothing."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
