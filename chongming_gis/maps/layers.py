"""The layers of our maps as folium layers: each may be added to any folium.Map.

A layer here is a thin element: its data stands on the page as a dataset (``page.Data``), and the functions of
``assets/own`` draw it. No text of the data passes through a folium template, which would take ``{{`` for code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from folium.map import Layer, LayerControl
from folium.template import Template
from folium.utilities import JsCode

from chongming_gis.maps.page import Data, Written, plain, put_own_files_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDE_PX = 700  # below this width the layer control and the panels start folded


class Drawn(Layer, Written):
    """A layer drawn by one function of ``assets/own`` from datasets of the page.

    Parameters
    ----------
    draws : name of the function, such as ``"roads"``.
    data : the datasets it reads, by the name of the option that carries their key.
    options : further options of the function: numbers and codes only, never text from data.
    name : shown in the layer control; a layer without one does not appear there.
    """

    _template = Template("""
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.{{ this.draws }}({{ this.options|tojson }});
{% endmacro %}
""")

    def __init__(
        self,
        draws: str,
        data: Mapping[str, Data],
        *,
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
        show: bool = True,
    ) -> None:
        super().__init__(name=plain(name or draws), overlay=True, control=name is not None, show=show)
        self._name = "Drawn"
        self.draws = draws
        self.data = tuple(data.values())
        self.options = {**{option: entry.key for option, entry in data.items()}, **(options or {})}

    def render(self, **kwargs: Any) -> str:
        """Hand script and data to the page."""
        figure = self.get_root()
        put_own_files_on(figure)  # type: ignore[arg-type]
        for entry in self.data:
            entry.put_on(figure)  # type: ignore[arg-type]
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


class Slot(Layer, Written):
    """A place of the layer control that shows its part of the view chosen."""

    _template = Template("""
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.slot();
{% endmacro %}
""")

    def __init__(self, name: str, *, show: bool) -> None:
        super().__init__(name=plain(name), overlay=True, control=True, show=show)
        self._name = "Slot"


class View(Layer, Written):
    """One choice among several (a standard, a service): it fills the slots with layers and the panels with text.

    It stands in the list of a ``ViewChoice``, not in the layer control.

    Parameters
    ----------
    heading : dataset with what title and figures say while this view is shown.
    parts : the layer for each slot.
    """

    _template = Template("""
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.view({{ this.heading.key|tojson }}, [
  {%- for slot, layer in this.parts %}[{{ slot.get_name() }}, {{ layer.get_name() }}],{% endfor -%}
]);
{% endmacro %}
""")

    def __init__(self, heading: Data, parts: Sequence[tuple[Slot, Layer]], *, show: bool) -> None:
        super().__init__(name="view", overlay=True, control=False, show=show)
        self._name = "View"
        self.heading = heading
        self.parts = list(parts)

    def render(self, **kwargs: Any) -> str:
        """Hand script and data to the page."""
        self.heading.put_on(self.get_root())  # type: ignore[arg-type]
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


class Panel(Written):
    """A control drawn by one function of ``assets/own``: title, legend, or what is under the pointer."""

    _template = Template("""
{% macro script(this, kwargs) %}
cgis.{{ this.draws }}({{ this._parent.get_name() }}, {{ this.options|tojson }});
{% endmacro %}
""")

    def __init__(self, draws: str, data: Data | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Panel"
        self.draws = draws
        self.data = data
        self.options = {"data": data.key} if data else {}

    def render(self, **kwargs: Any) -> str:
        """Hand script and data to the page."""
        if self.data:
            self.data.put_on(self.get_root())  # type: ignore[arg-type]
        super().render(**kwargs)
        return ""


Choice: TypeAlias = tuple[str, str, View]  # name, heading above it in the list (none = empty), view


class ViewChoice(Written):
    """The list in the title panel from which a view is chosen.

    Parameters
    ----------
    label : what is chosen.
    choices : in the order of the list; the first one is shown.
    """

    _template = Template("""
{% macro script(this, kwargs) %}
cgis.choose({{ this._parent.get_name() }}, {{ this.data.key|tojson }}, [
  {%- for view in this.views %}{{ view.get_name() }},{% endfor -%}
]);
{% endmacro %}
""")

    def __init__(self, label: str, choices: Sequence[Choice]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "ViewChoice"
        self.views = [view for _, _, view in choices]
        self.data = Data.of("views", {"label": label, "names": [[name, group] for name, group, _ in choices]})

    def render(self, **kwargs: Any) -> str:
        """Hand script and data to the page."""
        self.data.put_on(self.get_root())  # type: ignore[arg-type]
        super().render(**kwargs)
        return ""


class PlanLayerControl(LayerControl, Written):
    """folium's layer control with headings and titles in the page's language, folded on narrow screens."""

    _template = Template("""
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.layerControl({{ this._parent.get_name() }},
  { {%- for name, layer in this.base_layers.items() %}{{ name|tojson }}: {{ layer }},{% endfor -%} },
  { {%- for name, layer in this.overlays.items() %}{{ name|tojson }}: {{ layer }},{% endfor -%} },
  {{ this.heading.key|tojson }}, {{ this.options|tojavascript }});
{% endmacro %}
""")

    def __init__(self, heading: Data) -> None:
        super().__init__(position="topright")
        self.options["collapsed"] = JsCode(f"window.innerWidth < {WIDE_PX}")  # type: ignore[assignment] # written as code
        self.heading = heading

    def render(self, **kwargs: Any) -> str:
        """Hand script and data to the page."""
        self.heading.put_on(self.get_root())  # type: ignore[arg-type]
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""
