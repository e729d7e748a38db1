"""A stand-in Overpass server on loopback: answers real Overpass JSON from a real extract, and misbehaves when told.

It understands the queries that this package writes: settings, a union of ``node|way|rel|nwr`` statements with tag
filters, ``(._;>;)`` and ``out meta``, all within the box of the settings.
"""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import numpy as np
import osmium
import shapely

OSM_DATE = "2015-07-27T21:14:01Z"
_BOX = re.compile(r"\[bbox:([-\d.]+),([-\d.]+),([-\d.]+),([-\d.]+)\]")
_AROUND = re.compile(r"^is_in\(([-\d.]+),([-\d.]+)\)->\.here;$", re.MULTILINE)
_STATEMENT = re.compile(r"^\s*(node|way|rel\(pivot\.here\)|rel|nwr)((?:\[[^\]]*\])+);$", re.MULTILINE)
_FILTER = re.compile(r'\["((?:[^"\\]|\\.)*)"(?:([=~])"((?:[^"\\]|\\.)*)")?\]')


class Extract:
    """An extract in memory, asked by box and tags."""

    def __init__(self, path):
        self.elements = {"node": {}, "way": {}, "relation": {}}
        for item in osmium.FileProcessor(str(path)):
            self._add(item)
        nodes, ways = self.elements["node"], self.elements["way"]
        self.node_ids = np.array(sorted(nodes), dtype=np.int64)
        self.node_places = np.array([(nodes[i]["lon"], nodes[i]["lat"]) for i in self.node_ids.tolist()])
        self.way_ids = sorted(ways)
        shapes = []
        for way_id in self.way_ids:
            known = [(nodes[n]["lon"], nodes[n]["lat"]) for n in ways[way_id]["nodes"] if n in nodes]
            shapes.append(shapely.LineString(known) if len(known) > 1 else shapely.LineString())
        self.tree = shapely.STRtree(shapes)

    def _add(self, item):
        common = {"id": item.id, "version": item.version, "timestamp": OSM_DATE}
        tags = {"tags": dict(item.tags)} if len(item.tags) else {}
        if item.is_node():
            self.elements["node"][item.id] = {"type": "node", **common, "lat": item.lat, "lon": item.lon, **tags}
        elif item.is_way():
            refs = [n.ref for n in item.nodes]
            self.elements["way"][item.id] = {"type": "way", **common, "nodes": refs, **tags}
        else:
            kinds = {"n": "node", "w": "way", "r": "relation"}
            members = [{"type": kinds[m.type], "ref": m.ref, "role": m.role} for m in item.members]
            self.elements["relation"][item.id] = {"type": "relation", **common, "members": members, **tags}

    def answer(self, query):
        south, west, north, east = map(float, _BOX.search(query).groups())
        within = self._within(west, south, east, north)
        chosen = {"node": set(), "way": set(), "relation": set()}
        for kind, filters in _STATEMENT.findall(query):
            tests = [(_plain(k), op, _plain(v)) for k, op, v in _FILTER.findall(filters)]
            if kind.startswith("rel("):
                chosen["relation"] |= {i for i in self._around(query) if _fits(self._tags(i), tests)}
                continue
            kinds = {"nwr": ("node", "way", "relation"), "rel": ("relation",)}.get(kind, (kind,))
            for name in kinds:
                chosen[name] |= {i for i in within[name] if _fits(self.elements[name][i].get("tags", {}), tests)}
        for relation in list(chosen["relation"]):
            for member in self.elements["relation"][relation]["members"]:
                if member["type"] != "relation" and member["ref"] in self.elements[member["type"]]:
                    chosen[member["type"]].add(member["ref"])
        for way in chosen["way"]:
            chosen["node"] |= {node for node in self.elements["way"][way]["nodes"] if node in self.elements["node"]}
        return [self.elements[name][i] for name in ("node", "way", "relation") for i in sorted(chosen[name])]

    def _tags(self, relation):
        return self.elements["relation"][relation].get("tags", {})

    def _around(self, query):
        """The boundary relations that contain the point of ``is_in``."""
        south, west = map(float, _AROUND.search(query).groups())
        nodes, ways = self.elements["node"], self.elements["way"]
        for i, relation in self.elements["relation"].items():
            if self._tags(i).get("boundary") != "administrative":
                continue
            outer = [ways[m["ref"]]["nodes"] for m in relation["members"] if m["type"] == "way" and m["ref"] in ways]
            lines = [[(nodes[n]["lon"], nodes[n]["lat"]) for n in way if n in nodes] for way in outer]
            area = shapely.build_area(shapely.union_all([shapely.LineString(at) for at in lines if len(at) > 1]))
            if area.intersects(shapely.Point(west, south)):
                yield i

    def _within(self, west, south, east, north):
        x, y = self.node_places.T
        nodes = set(self.node_ids[(x >= west) & (x <= east) & (y >= south) & (y <= north)].tolist())
        found = self.tree.query(shapely.box(west, south, east, north), predicate="intersects")
        ways = {self.way_ids[row] for row in found.tolist()}
        inside = {"node": nodes, "way": ways}
        relations = {
            i
            for i, relation in self.elements["relation"].items()
            if any(m["ref"] in inside.get(m["type"], ()) for m in relation["members"])
        }
        return {**inside, "relation": relations}


def _plain(text):
    return re.sub(r"\\(.)", r"\1", text)


def _fits(tags, tests):
    for key, operator, value in tests:
        if key not in tags:
            return False
        if operator == "=" and tags[key] != value:
            return False
        if operator == "~" and not re.search(value, tags[key]):
            return False
    return True


@dataclass
class StandIn:
    """A running server: what it was asked, and how it is to answer the next questions (one mode each)."""

    url: str = ""
    queries: list = field(default_factory=list)
    agents: list = field(default_factory=list)
    modes: list = field(default_factory=list)  # "429", "504", "truncated", ...; when used up it answers well
    full_above: float = np.inf  # degrees: wider boxes time out with a remark
    status: str = "Rate limit: 2\n2 slots available now.\n"
    pause_s: float = 0.0  # before every answer
    places: dict = field(default_factory=dict)  # Nominatim: text -> results
    files: dict = field(default_factory=dict)  # path -> bytes
    ranges: list = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def boxes(self):
        return [tuple(map(float, _BOX.search(query).groups())) for query in self.queries]


class _Handler(BaseHTTPRequestHandler):
    """Answers for a ``StandIn``; both are set on a subclass."""

    standin: StandIn
    extract: Extract
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        query = parse_qs(self.rfile.read(length).decode())["data"][0]
        self.standin.queries.append(query)
        self.standin.agents.append(self.headers["User-Agent"])
        self._misbehave_or_answer(query)

    def do_GET(self):
        path, _, asked = self.path.partition("?")
        self.standin.agents.append(self.headers["User-Agent"])
        if path.endswith("/status"):
            self._send(200, self.standin.status.encode(), "text/plain")
        elif path.endswith(("/search", "/geocoder")):
            self._look_up({key: values[0] for key, values in parse_qs(asked).items()})
        elif path in self.standin.files:
            self._send_file(self.standin.files[path])
        else:
            self._send(404, b"<html><body>not here</body></html>", "text/html")

    def _look_up(self, asked):
        self.standin.queries.append(asked)
        mode = self.standin.modes.pop(0) if self.standin.modes else ""
        if mode.isdigit():
            self._send(int(mode), b"busy", "text/plain")
            return
        text = asked["q"] if "q" in asked else json.loads(asked["ds"])["keyWord"]
        found = self.standin.places.get(text, [] if "q" in asked else {"status": "101", "msg": "no result"})
        self._send(200, json.dumps(found).encode())

    def _misbehave_or_answer(self, query):
        time.sleep(self.standin.pause_s)
        mode = self.standin.modes.pop(0) if self.standin.modes else ""
        if mode == "429":
            self._send(429, b"<p>too many requests</p>", "text/html", {"Retry-After": "7"})
        elif mode == "429-without-time":
            self._send(429, b"", "text/html")
        elif mode.isdigit():
            self._send(int(mode), b"<html><body>The server is <b>busy</b></body></html>", "text/html")
        elif mode == "html":
            self._send(200, b"<html><body>Error: the server is too busy</body></html>", "text/html")
        elif mode == "slow":
            self.standin.released.wait(10.0)
        elif mode == "hang-up":
            self.close_connection = True
        else:
            self._answer(query, mode)

    def _answer(self, query, mode):
        elements = [] if mode == "empty" else self.extract.answer(query)
        content = {"version": 0.6, "osm3s": {"timestamp_osm_base": OSM_DATE}, "elements": elements}
        south, west, north, east = map(float, _BOX.search(query).groups())
        if mode == "remark" or max(north - south, east - west) > self.standin.full_above:
            content["elements"] = elements[: len(elements) // 2]
            content["remark"] = 'runtime error: Query timed out in "recurse" at line 9 after 181 seconds.'
        elif mode == "remark-busy":
            content["elements"] = []
            content["remark"] = (
                "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::timeout."
            )
        body = json.dumps(content).encode()
        if mode == "half":  # and nobody says that it is half
            body = body[: len(body) // 2]
        cut = len(body) // 2 if mode == "truncated" else len(body)
        self._send(200, body[:cut], headers={"Content-Length": str(len(body))})
        if mode == "truncated":
            self.close_connection = True

    def _send_file(self, content):
        asked = self.headers.get("Range")
        self.standin.ranges.append(asked)
        mark = f'"{len(content)}-{hash(content)}"'
        start = int(asked.split("=")[1].rstrip("-")) if asked and self.headers.get("If-Range") == mark else 0
        mode = self.standin.modes.pop(0) if self.standin.modes else ""
        body = content[start:]
        headers = {"ETag": mark, "Accept-Ranges": "bytes", "Content-Length": str(len(body))}
        cut = len(body) // 2 if mode == "truncated" else len(body)
        self._send(206 if start else 200, body[:cut], "application/octet-stream", headers)
        if mode == "truncated":
            self.close_connection = True

    def _send(self, status, body, kind="application/json", headers=None):
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that was killed is no fault of the server."""


def serve(extract):
    """Start a server; yields it, and stops it."""
    server = StandIn()
    running = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": server, "extract": extract}))
    server.url = f"http://127.0.0.1:{running.server_address[1]}/api"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        running.shutdown()
        running.server_close()
        thread.join()
