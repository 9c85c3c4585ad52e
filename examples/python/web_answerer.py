"""A page that answers questions about a folder, with the standard library's web server.

    python examples/python/web_answerer.py FOLDER [PORT]        # then open http://127.0.0.1:8080

The engine itself opens no socket: this program does, on this machine alone. `/ask?q=...` is the page of an answer, with
its citations lit in the passages; `/ask.json?q=...` the same as JSON, while `/stream?q=...` sends the text as it is
written, before its citations are found.
"""

import contextlib
import html
import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import rag_py

FORM = """<!doctype html><meta charset="utf-8"><title>Ask</title>
<form action="/ask"><input name="q" size="60" autofocus placeholder="Ask about {folder}"><button>Ask</button></form>"""


class Answerer(BaseHTTPRequestHandler):
    """One request; the knowledge base is shared by all threads."""

    kb: rag_py.KnowledgeBase
    folder: str

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        question = parse_qs(url.query).get("q", [""])[0].strip()
        if url.path == "/":
            return self.reply("text/html", FORM.format(folder=html.escape(self.folder)))
        answers = {"/ask": self.page, "/ask.json": self.data, "/stream": self.stream}
        if url.path not in answers:
            return self.send_error(HTTPStatus.NOT_FOUND)
        try:
            answers[url.path](question)
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))

    def page(self, question: str) -> None:
        self.reply("text/html", self.kb.ask(question, explain=True).explain_html())

    def data(self, question: str) -> None:
        self.reply("application/json", json.dumps(self.kb.ask(question).to_dict(), ensure_ascii=False))

    def stream(self, question: str) -> None:
        with self.kb.ask(question, stream=True) as pieces:
            self.begin("text/plain")
            for piece in pieces:
                self.wfile.write(piece.encode())
                self.wfile.flush()

    def begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()

    def reply(self, kind: str, body: str) -> None:
        self.begin(kind)
        self.wfile.write(body.encode())


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    folder, port = (*sys.argv[1:], "8080")[:2]
    with rag_py.open(":memory:", encoder="e5-small", llm="qwen2.5-0.5b") as kb:
        print(kb.sync(folder))
        Answerer.kb, Answerer.folder = kb, folder
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Answerer)
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
