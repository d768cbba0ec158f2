"""How Sphinx makes the site (`make docs`). The pages of methods and of the code are written by docs/pages.py first."""

import sys
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pages  # noqa: E402

import unlearnleak  # noqa: E402

project, author, copyright = "unlearnleak", "The unlearnleak developers", "the unlearnleak developers"
version = release = unlearnleak.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme, html_title, html_copy_source = "furo", f"unlearnleak {version}", False
exclude_patterns = ["methods/**"]  # they are parts of generated pages
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebook holds its outputs, and a test runs it
napoleon_custom_sections = [("Class attributes", "params_style")]
napoleon_use_ivar = True  # attributes that a docstring lists are described once, where they are defined
default_role = "code"  # what stands in single backticks in docstrings
autodoc_member_order = "bysource"
html_math_renderer = "mathml"  # browsers draw it by themselves: nothing is fetched when a page is read
suppress_warnings = ["ref.python"]  # two classes of one name in two modules are no mistake


def formula(translator: Any, node: Any) -> None:
    """Write a formula as MathML."""
    translator.body.append(str(tex2mathml(node.astext(), as_block=node.tagname == "math_block")))
    raise SkipNode


def setup(app: Any) -> None:
    """Called by Sphinx before it reads any page."""
    pages.write_all(HERE / "generated")
    app.add_html_math_renderer("mathml", inline_renderers=(formula, None), block_renderers=(formula, None))
    app.connect("autodoc-process-docstring", pages.plain, priority=100)  # before napoleon reads them
