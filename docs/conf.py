"""Settings of the documentation: `make docs` builds it into build/docs."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import generate  # noqa: E402

import labelnoise  # noqa: E402

project = "labelnoise"
author = "The labelnoise authors"
release = version = labelnoise.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_generated", "measured"]

myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

# Options begin with two hyphens, not with a dash.
smartquotes = False

# Docstrings write code in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
nitpicky = True
# Without a network there is no inventory of other projects.
nitpick_ignore_regex = [("py:.*", r"(torch|numpy|np|pandas|pd|pathlib|collections|labelnoise|Path|Value|Loss)\b.*")]

html_theme = "furo"
html_title = "labelnoise"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"


def setup(app) -> None:
    app.connect("builder-inited", lambda _: generate.write_all(HERE / "_generated"))
