"""For the site: a method that the stub gives by overloads alone is shown by its first, which carries the docstring."""

import griffe


class Overloads(griffe.Extension):
    """Makes members of overloads without an implementation."""

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        for name, overloads in cls.overloads.items():
            if name not in cls.members:
                cls.set_member(name, overloads[0])
