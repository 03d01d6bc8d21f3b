"""Makes the golden values of ParityTests: tiny random models as Hugging Face folders, and what PyTorch computes with them.

Needs Debian's python3-torch (1.13) and nothing else; the models are written out below, independently of the C# ones.
Run it in this folder: /usr/bin/python3 make_parity.py
golden.safetensors holds: tokens, starts, positions, targets; logits [T, V]; loss and gradients ("grad." + name) of the mean cross-entropy;
logp and entropy at temperature 0.7, with weights a and b, and the gradients' norm of sum(a * logp + b * entropy); losses over 4 AdamW steps.
"""
import json, math, os, struct
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def llama(model_type, **more):
    config = dict(model_type=model_type, vocab_size=37, hidden_size=20, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=35,
                  max_position_embeddings=64, hidden_act="silu", rms_norm_eps=1e-6, rope_theta=10000.0, rope_scaling=None, tie_word_embeddings=False)
    config.update(more)
    config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"] // 2 * 2)
    return config


MODELS = {
    "gpt2": dict(model_type="gpt2", vocab_size=37, n_embd=20, n_layer=2, n_head=4, n_positions=64, activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=True),
    "gpt2-untied": dict(model_type="gpt2", vocab_size=33, n_embd=16, n_layer=1, n_head=2, n_positions=16, n_inner=24, activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=False),
    "llama": llama("llama", rope_scaling=LLAMA3, rope_theta=500000.0),
    "llama-tied": llama("llama", rope_scaling={"rope_type": "linear", "factor": 2.0}, tie_word_embeddings=True, num_key_value_heads=1, attention_bias=True, mlp_bias=True),
    "qwen2": llama("qwen2", tie_word_embeddings=True, rope_theta=1000000.0),
    "qwen3": llama("qwen3", head_dim=10, rope_theta=1000000.0),
}


def write_safetensors(path, tensors):
    header, offset, blobs = {}, 0, []
    for name, t in tensors.items():
        t = t.detach().contiguous()
        kind = "I32" if t.dtype in (torch.int32, torch.int64) else "F32"
        blob = (t.to(torch.int32) if kind == "I32" else t.to(torch.float32)).numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def parameters(c, g):
    p = {}

    def normal(name, *shape):
        p[name] = (torch.randn(*shape, generator=g) * 0.3).requires_grad_()

    def near_one(name, n):
        p[name] = (1 + 0.2 * torch.randn(n, generator=g)).requires_grad_()

    if c["model_type"] == "gpt2":
        d, inner = c["n_embd"], c.get("n_inner") or 4 * c["n_embd"]
        normal("transformer.wte.weight", c["vocab_size"], d)
        normal("transformer.wpe.weight", c["n_positions"], d)
        for i in range(c["n_layer"]):
            at = f"transformer.h.{i}"
            near_one(f"{at}.ln_1.weight", d), normal(f"{at}.ln_1.bias", d)
            normal(f"{at}.attn.c_attn.weight", d, 3 * d), normal(f"{at}.attn.c_attn.bias", 3 * d)
            normal(f"{at}.attn.c_proj.weight", d, d), normal(f"{at}.attn.c_proj.bias", d)
            near_one(f"{at}.ln_2.weight", d), normal(f"{at}.ln_2.bias", d)
            normal(f"{at}.mlp.c_fc.weight", d, inner), normal(f"{at}.mlp.c_fc.bias", inner)
            normal(f"{at}.mlp.c_proj.weight", inner, d), normal(f"{at}.mlp.c_proj.bias", d)
        near_one("transformer.ln_f.weight", d), normal("transformer.ln_f.bias", d)
    else:
        d, h, kv, hd, inner = (c[k] for k in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size"))
        qkv_bias = c["model_type"] == "qwen2" or c.get("attention_bias", False)
        normal("model.embed_tokens.weight", c["vocab_size"], d)
        for i in range(c["num_hidden_layers"]):
            at = f"model.layers.{i}"
            near_one(f"{at}.input_layernorm.weight", d)
            for name, out in (("q", h * hd), ("k", kv * hd), ("v", kv * hd)):
                normal(f"{at}.self_attn.{name}_proj.weight", out, d)
                if qkv_bias:
                    normal(f"{at}.self_attn.{name}_proj.bias", out)
            if c["model_type"] == "qwen3":
                near_one(f"{at}.self_attn.q_norm.weight", hd), near_one(f"{at}.self_attn.k_norm.weight", hd)
            normal(f"{at}.self_attn.o_proj.weight", d, h * hd)
            if c.get("attention_bias", False):
                normal(f"{at}.self_attn.o_proj.bias", d)
            near_one(f"{at}.post_attention_layernorm.weight", d)
            for name, a, b in (("gate", inner, d), ("up", inner, d), ("down", d, inner)):
                normal(f"{at}.mlp.{name}_proj.weight", a, b)
                if c.get("mlp_bias", False):
                    normal(f"{at}.mlp.{name}_proj.bias", a)
        near_one("model.norm.weight", d)
    if not c["tie_word_embeddings"]:
        normal("lm_head.weight", c["vocab_size"], d)
    return p


def attend(q, k, v):  # [heads, T, width]
    t = q.shape[1]
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])
    scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), float("-inf"))
    return (scores.softmax(-1) @ v).transpose(0, 1).reshape(t, -1)


def gpt2(c, p, ids):
    x = p["transformer.wte.weight"][ids] + p["transformer.wpe.weight"][: len(ids)]
    ln = lambda x, n: F.layer_norm(x, x.shape[-1:], p[n + ".weight"], p[n + ".bias"], c["layer_norm_epsilon"])
    conv = lambda x, n: x @ p[n + ".weight"] + p[n + ".bias"]
    for i in range(c["n_layer"]):
        at = f"transformer.h.{i}"
        q, k, v = (y.view(len(ids), c["n_head"], -1).transpose(0, 1) for y in conv(ln(x, f"{at}.ln_1"), f"{at}.attn.c_attn").chunk(3, -1))
        x = x + conv(attend(q, k, v), f"{at}.attn.c_proj")
        u = conv(ln(x, f"{at}.ln_2"), f"{at}.mlp.c_fc")
        u = 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u ** 3)))
        x = x + conv(u, f"{at}.mlp.c_proj")
    return ln(x, "transformer.ln_f") @ p["lm_head.weight" if "lm_head.weight" in p else "transformer.wte.weight"].t()


def frequencies(c):
    f = 1.0 / c["rope_theta"] ** (torch.arange(0, c["head_dim"], 2, dtype=torch.float64) / c["head_dim"])
    s = c.get("rope_scaling")
    if s is None:
        return f
    if s["rope_type"] == "linear":
        return f / s["factor"]
    out = []
    for x in f.tolist():
        wave, old = 2 * math.pi / x, s["original_max_position_embeddings"]
        if wave < old / s["high_freq_factor"]:
            out.append(x)
        elif wave > old / s["low_freq_factor"]:
            out.append(x / s["factor"])
        else:
            smooth = (old / wave - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
            out.append((1 - smooth) * x / s["factor"] + smooth * x)
    return torch.tensor(out, dtype=torch.float64)


def llama_like(c, p, ids):
    t, h, kv, hd = len(ids), c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
    angle = torch.outer(torch.arange(t, dtype=torch.float64), frequencies(c))
    cos, sin = torch.cat([angle.cos()] * 2, -1).float(), torch.cat([angle.sin()] * 2, -1).float()
    turn = lambda x: x * cos + torch.cat([-x[..., hd // 2:], x[..., : hd // 2]], -1) * sin
    rms = lambda x, n: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"]) * p[n + ".weight"]
    lin = lambda x, n: F.linear(x, p[n + ".weight"], p.get(n + ".bias"))
    x = p["model.embed_tokens.weight"][ids]
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}"
        y = rms(x, f"{at}.input_layernorm")
        q, k, v = (lin(y, f"{at}.self_attn.{n}_proj").view(t, -1, hd) for n in "qkv")
        if c["model_type"] == "qwen3":
            q, k = rms(q, f"{at}.self_attn.q_norm"), rms(k, f"{at}.self_attn.k_norm")
        q, k, v = turn(q.transpose(0, 1)), turn(k.transpose(0, 1)), v.transpose(0, 1)
        k, v = k.repeat_interleave(h // kv, 0), v.repeat_interleave(h // kv, 0)
        x = x + lin(attend(q, k, v), f"{at}.self_attn.o_proj")
        y = rms(x, f"{at}.post_attention_layernorm")
        x = x + lin(F.silu(lin(y, f"{at}.mlp.gate_proj")) * lin(y, f"{at}.mlp.up_proj"), f"{at}.mlp.down_proj")
    return rms(x, "model.norm") @ p["lm_head.weight" if "lm_head.weight" in p else "model.embed_tokens.weight"].t()


for index, (name, c) in enumerate(MODELS.items()):
    g = torch.Generator().manual_seed(100 + index)
    p = parameters(c, g)
    starts = [0, 9, 14]
    tokens = torch.randint(0, c["vocab_size"], (14,), generator=g)
    positions = torch.tensor([0, 2, 3, 4, 7, 9, 10, 12])
    targets = torch.randint(0, c["vocab_size"], (8,), generator=g)
    a, b = torch.randn(8, generator=g), torch.randn(8, generator=g)
    model = gpt2 if c["model_type"] == "gpt2" else llama_like
    forward = lambda: torch.cat([model(c, p, tokens[s:e]) for s, e in zip(starts, starts[1:])])

    golden = dict(tokens=tokens, starts=torch.tensor(starts), positions=positions, targets=targets, a=a, b=b)
    logits = forward()
    loss = F.cross_entropy(logits[positions], targets)
    grads = torch.autograd.grad(loss, list(p.values()))
    golden.update(logits=logits, loss=loss.view(1))
    golden.update({"grad." + n: x for n, x in zip(p, grads)})

    all_logp = (forward()[positions] / 0.7).log_softmax(-1)
    logp, entropy = all_logp[torch.arange(8), targets], -(all_logp.exp() * all_logp).sum(-1)
    grads = torch.autograd.grad((a * logp + b * entropy).sum(), list(p.values()))
    golden.update(logp=logp, entropy=entropy, objective_norm=torch.sqrt(sum((x ** 2).sum() for x in grads)).view(1))

    os.makedirs(name, exist_ok=True)
    write_safetensors(f"{name}/model.safetensors", p)
    with open(f"{name}/config.json", "w") as f:
        json.dump(c, f, indent=2)

    matrices, vectors = [x for x in p.values() if x.dim() == 2], [x for x in p.values() if x.dim() == 1]
    optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=0.1), dict(params=vectors, weight_decay=0.0)], lr=1e-2, betas=(0.9, 0.99), eps=1e-8)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(forward()[positions], targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(p.values()), 1.0)
        optimizer.step()
        losses.append(loss.item())
    golden["losses"] = torch.tensor(losses)
    write_safetensors(f"{name}/golden.safetensors", golden)
    print(name, losses)
