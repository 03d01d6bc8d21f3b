"""Writes cases.jsonl and data.json (the values of cases that have none): templates, values, and what Jinja itself makes of them, set up as Hugging Face does (jinja2 3.1).

    python3 make_template_cases.py

check_template_cases.mjs then runs the same cases through @huggingface/jinja and says where the two differ.
"""
import datetime
import json
import pathlib

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

here = pathlib.Path(__file__).parent


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda f: datetime.datetime(2026, 3, 5, 14, 7, 9).strftime(f)

user, assistant, system = (lambda c, r=r: {"role": r, "content": c} for r in ("user", "assistant", "system"))
tool = {"type": "function", "function": {"name": "weather", "description": "Tells \"the\" weather <&>", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}}, "required": ["city"]}}}
call = {"role": "assistant", "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2}}}]}
chats = [
    [user("Hello!")],
    [system("Be brief.\n"), user("  What is 2+2? "), assistant(" 4 "), user("And 3+3?\n\n")],
    [user("日本 😀 'quoted' \"double\""), assistant("<think>\nhm, {{ no }}\n</think>\n\nWell."), user("Go on"), assistant("<think>a</think>b")],
    [user("Weather?"), call, {"role": "tool", "name": "weather", "content": "{\"sky\": \"clear\"}", "tool_call_id": "abcdefghi"}, assistant("Clear.")],
    [assistant("I begin"), user("no")],
    [system("Only"), {"role": "robot", "content": "?"}],
]
cases = []


def add(case, template):
    try:
        case["expected"] = env.from_string(template).render(**case["values"] or data)
    except (TemplateError, TypeError) as e:
        case["error"] = str(e)
    cases.append(case)


for file in sorted((here / "families").glob("*.jinja")):
    for i, messages in enumerate(chats):
        for tools in (None, [tool, tool]):
            for prompt in (False, True):
                values = {"messages": messages, "tools": tools, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>"}
                if prompt and i % 2:
                    values["enable_thinking"] = False
                name = f"{file.stem} {i} {'tools' if tools else 'plain'} {'prompt' if prompt else 'whole'}"
                add({"name": name, "family": file.stem, "values": values}, file.read_text())

data = {"n": 7, "f": 2.5, "s": "Hello wörld 😀", "l": [3, 1, 2], "d": {"b": 1, "a": {"x": [1, None, True]}, "items": "own"}, "empty": [], "none": None, "t": True,
        "people": [{"name": "Ann", "age": 30, "tags": ["x", "y"]}, {"name": "bob", "age": 25, "tags": []}, {"name": "Cy", "age": 41}], "text": "line one\nline two\n\nline four", "json": {"k": "é\n\"\\\u0001<"}}
for i, template in enumerate((here / "snippets.txt").read_text().split("\n===\n")):
    add({"name": f"snippet {i}", "template": template, "values": None}, template)

(here / "data.json").write_text(json.dumps(data, ensure_ascii=False) + "\n")
(here / "cases.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
print(len(cases), "cases,", sum("error" in case for case in cases), "errors")
