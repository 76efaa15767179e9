"""Base models made from a config: small enough to be trained from nothing on a processor, of the same family as the large ones.

`scratch:tiny` and `scratch:small` are Qwen2 models (RMSNorm, rotary positions, grouped queries, SwiGLU) with a byte-level BPE
tokenizer that is learned from the prompts, and ChatML as their chat template.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policies.errors import ModelError
from schema_extraction.view import Frozen

PREFIX = "scratch:"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


class ScratchConfig(Frozen):
    """The size of a model: `width` of its vectors, `layers`, `heads` (of which `groups` have keys and values), `words` of its
    vocabulary, `context` in tokens."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    groups: int = 2
    words: int = 4096
    context: int = 2048


SIZES = {"tiny": ScratchConfig(layers=3), "small": ScratchConfig(width=256, layers=6, heads=8, groups=4, words=8192)}


def config_of(base: str) -> ScratchConfig:
    """The size that `scratch:NAME` names.

    Raises:
        ModelError: there is no such size.
    """
    name = base.removeprefix(PREFIX)
    if name not in SIZES:
        raise ModelError(f"Expected one of {', '.join(PREFIX + size for size in SIZES)}, met {base!r}.")
    return SIZES[name]


def learn_tokenizer(texts: Iterable[str], words: int) -> Any:
    """A byte-level BPE tokenizer of up to `words` tokens: any text can be written with it, and none is changed."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=[AddedToken(mark, special=True) for mark in MARKS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=MARKS[2],
        pad_token=MARKS[0],
        chat_template=CHATML,
        clean_up_tokenization_spaces=False,
    )


def new_model(config: ScratchConfig, words: int, seed: int) -> Any:
    """A model with random weights, for a tokenizer of `words` tokens."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=words,
            hidden_size=config.width,
            intermediate_size=round(config.width * 8 / 3 / 16) * 16,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.groups,
            max_position_embeddings=config.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
