"""Templates into fitting text: a small, sandboxed part of Jinja2, and elastic text that fits a network exactly.

`compile_template` reads a template once, `check_template` also holds it to the contract of `PostVariables`,
`render` fills it and makes it fit. Whatever is wrong with a template is one German sentence with its line.
"""

from posts.render.errors import DoesNotFit, TemplateError
from posts.render.fitting import Rendering, render, tidy
from posts.render.language import Part, Template, check_template, compile_template
from posts.render.variables import PostVariables, variables_help

__all__ = [
    "DoesNotFit",
    "Part",
    "PostVariables",
    "Rendering",
    "Template",
    "TemplateError",
    "check_template",
    "compile_template",
    "render",
    "tidy",
    "variables_help",
]
