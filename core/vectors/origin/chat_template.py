"""Renders a GGUF file's chat template with jinja2 set up as the transformers library sets it up
(chat_template_utils: ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls)."""

import json
from typing import Any

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Messages = list[dict[str, str]]


class ChatTemplate:
    def __init__(self, source: str, special_tokens: dict[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = lambda x, **options: json.dumps(x, ensure_ascii=False, **options)
        environment.globals["raise_exception"] = self.refuse
        self.template = environment.from_string(source)
        self.special_tokens = special_tokens

    @staticmethod
    def refuse(message: str) -> None:
        raise TemplateError(message)

    def render(self, messages: Messages, add_generation_prompt: bool) -> str:
        return self.template.render(
            messages=messages, tools=None, documents=None,
            add_generation_prompt=add_generation_prompt, **self.special_tokens,
        )


def template_of(meta: dict[str, Any]) -> ChatTemplate:
    """`meta`: the GGUF metadata by key."""
    tokens = meta["tokenizer.ggml.tokens"]
    ids = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    special = {f"{name}_token": tokens[meta[f"tokenizer.ggml.{key}_token_id"]] for name, key in ids.items()}
    return ChatTemplate(meta["tokenizer.chat_template"], special)
