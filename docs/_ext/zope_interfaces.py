"""
``.. zope-interface:: package.module.IName`` documents a zope interface.

An interface is an object, not a class, and its methods have no ``self``: autodoc cannot read it.
Where one is the type of something, its name is shown.
"""

from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from zope.interface.interface import InterfaceClass, Method

_INDENT = "   "


def describe(interface: InterfaceClass) -> Iterator[str]:
    """The reST lines of ``interface``, its members in the order of the source."""
    yield f".. py:class:: {interface.__name__}"
    yield f"{_INDENT}:module: {interface.__module__}"
    yield from _block(interface.__doc__)
    for name in interface.names():
        member = interface[name]
        if isinstance(member, Method):
            yield f"{_INDENT}.. py:method:: {name}{member.getSignatureString()}"
        else:
            yield f"{_INDENT}.. py:attribute:: {name}"
        yield from (_INDENT + line for line in _block(member.__doc__))


def _block(text: str) -> list[str]:
    return ["", *(_INDENT + line for line in cleandoc(text).splitlines()), ""]


class ZopeInterface(SphinxDirective):
    """The directive."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """The nodes of the interface that the argument names."""
        module, _, name = self.arguments[0].rpartition(".")
        lines = StringList(list(describe(getattr(import_module(module), name))), source=module)
        container = nodes.container()
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    InterfaceClass.__repr__ = lambda interface: interface.__name__
    app.add_directive("zope-interface", ZopeInterface)
    return {"parallel_read_safe": True}
