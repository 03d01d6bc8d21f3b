"""Makes the golden values of ObjectiveTests: losses, gradients, metrics and advantages, computed by PyTorch from the published formulas on padded tensors with masks.

Needs Debian's python3-torch (1.13) and nothing else. Run it in this folder: /usr/bin/python3 make_objectives.py
Numbers given to the objectives are rounded to single precision first; everything here is then computed in double precision.
"""
import json, math
import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)

LENGTHS = [4, 1, 6, 3, 5, 2]
MAX = 8
B, T = len(LENGTHS), max(LENGTHS)
MASK = torch.tensor([[1.0 if t < n else 0.0 for t in range(T)] for n in LENGTHS])


def single(x):
    return x.to(torch.float32).to(torch.float64)


def flat(x):
    return [float(x[b, t]) for b in range(B) for t in range(LENGTHS[b])]


base = -torch.rand(B, T) * 2 - 0.1
NEW = single(base + 0.5 * torch.randn(B, T))
OLD = single(base)
REF = single(base + 0.3 * torch.randn(B, T))
ENTROPY = single(torch.rand(B, T) * 2)
ADVANTAGE = single(torch.tensor([1.2, -0.7, 0.4, -1.5, 0.9, -0.2]).unsqueeze(1).expand(B, T).contiguous())
VALUE = single(torch.randn(B, T) * 0.5)
OLD_VALUE = single(VALUE + 0.3 * torch.randn(B, T))
RETURN = single(torch.randn(B, T))
STARTS = [0]
for n in LENGTHS:
    STARTS.append(STARTS[-1] + n)

cases = []


def mean(x):
    return float((x * MASK).sum() / MASK.sum())


def add(name, objective, options, loss, metrics=None, new=NEW, advantage=ADVANTAGE, old=OLD):
    l = new.clone().requires_grad_(True)
    h = ENTROPY.clone().requires_grad_(True)
    v = VALUE.clone().requires_grad_(True)
    value = loss(l, h, v)
    gradients = torch.autograd.grad(value, [l, h, v], allow_unused=True)
    zero = torch.zeros(B, T)
    dl, dh, dv = [g if g is not None else zero for g in gradients]
    cases.append(dict(
        name=name, objective=objective, options=options, new=flat(new), old=flat(old), advantages=flat(advantage), loss=float(value),
        d_log_probabilities=flat(dl), d_entropies=flat(dh), d_values=flat(dv), metrics=metrics or {}))


def aggregate(per_token, kind):
    if kind == "SequenceMean":
        return ((per_token * MASK).sum(1) / MASK.sum(1)).mean()
    if kind == "ConstantLength":
        return (per_token * MASK).sum() / (B * MAX)
    return (per_token * MASK).sum() / MASK.sum()


def k3(l):
    return torch.exp(REF - l) - (REF - l) - 1


def grpo(kind, low=0.2, high=0.2, delta=None, beta=0.0, sequence=False, bonus=0.0):
    def loss(l, h, v):
        log_ratio = l - OLD
        if sequence:
            log_ratio = ((log_ratio * MASK).sum(1) / MASK.sum(1)).unsqueeze(1)
        ratio = torch.exp(log_ratio)
        first = ratio if delta is None else torch.clamp(ratio, max=delta)
        per_token = -torch.min(first * ADVANTAGE, torch.clamp(ratio, 1 - low, 1 + high) * ADVANTAGE)
        if beta:
            per_token = per_token + beta * k3(l)
        if bonus:
            per_token = per_token - bonus * h
        return aggregate(per_token, kind)
    return loss


def ratio_metrics(ratio, low, high, with_reference=True):
    is_low = ((ratio < 1 - low) & (ADVANTAGE < 0)).double()
    is_high = ((ratio > 1 + high) & (ADVANTAGE > 0)).double()
    return {"clip_ratio/low_mean": mean(is_low), "clip_ratio/high_mean": mean(is_high), "clip_ratio/region_mean": mean(is_low + is_high), "ratio/mean": mean(ratio),
            "approx_kl": mean(0.5 * (NEW - OLD) ** 2), "kl": mean(k3(NEW)), "entropy": mean(ENTROPY)}


RATIO = torch.exp(NEW - OLD)
SEQUENCE_RATIO = torch.exp(((NEW - OLD) * MASK).sum(1, keepdim=True) / MASK.sum(1, keepdim=True)).expand(B, T)
for kind in ["SequenceMean", "BatchMean", "ConstantLength", "TokenMean"]:
    add(f"grpo {kind}", "group", dict(aggregation=kind), grpo(kind), ratio_metrics(RATIO, 0.2, 0.2))
add("grpo, clipped higher above", "group", dict(aggregation="TokenMean", clipHigh=0.28), grpo("TokenMean", high=0.28), ratio_metrics(RATIO, 0.2, 0.28))
add("grpo, clipped on two sides", "group", dict(aggregation="TokenMean", mostRatio=1.4), grpo("TokenMean", delta=1.4))
add("grpo with divergence", "group", dict(aggregation="SequenceMean", beta=0.04), grpo("SequenceMean", beta=0.04))
add("grpo with entropy bonus", "group", dict(aggregation="SequenceMean", entropyBonus=0.01), grpo("SequenceMean", bonus=0.01))
add("gspo", "group", dict(aggregation="SequenceMean", bySequence=True, clipLow=0.05, clipHigh=0.1), grpo("SequenceMean", 0.05, 0.1, sequence=True), ratio_metrics(SEQUENCE_RATIO, 0.05, 0.1))
add("gspo, by token, with everything", "group", dict(aggregation="TokenMean", bySequence=True, beta=0.1, entropyBonus=0.02, mostRatio=2.0), grpo("TokenMean", delta=2.0, beta=0.1, sequence=True, bonus=0.02))
add("on-policy", "group", dict(aggregation="TokenMean"), grpo("TokenMean"), {"ratio/mean": 1.0, "clip_ratio/region_mean": 0.0, "approx_kl": 0.0}, new=OLD)


def cispo(most, beta=0.0, bonus=0.0):
    return lambda l, h, v: aggregate(-torch.clamp(torch.exp(l - OLD), max=most).detach() * ADVANTAGE * l + beta * k3(l) - bonus * h, "TokenMean")


add("cispo", "truncated", dict(mostRatio=5.0), cispo(5.0))
add("cispo that cuts", "truncated", dict(mostRatio=1.2, beta=0.1, entropyBonus=0.03), cispo(1.2, 0.1, 0.03))


def rloo(l, h, v):
    ratio = torch.exp(((l - OLD) * MASK).sum(1))
    a = ADVANTAGE[:, 0]
    return -torch.min(ratio * a, torch.clamp(ratio, 0.8, 1.2) * a).mean()


add("rloo", "sequence", dict(clip=0.2), rloo)
add("rloo with entropy bonus", "sequence", dict(clip=0.2, entropyBonus=0.05), lambda l, h, v: rloo(l, h, v) - 0.05 * ((h * MASK).sum(1) / MASK.sum(1)).mean())


def ppo(clip, value_clip, weight, bonus):
    def loss(l, h, v):
        ratio = torch.exp(l - OLD)
        policy = torch.max(-ADVANTAGE * ratio, -ADVANTAGE * torch.clamp(ratio, 1 - clip, 1 + clip))
        near = torch.max(torch.min(v, OLD_VALUE + value_clip), OLD_VALUE - value_clip)
        value = 0.5 * torch.max((v - RETURN) ** 2, (near - RETURN) ** 2)
        return aggregate(policy + weight * value - bonus * h, "TokenMean")
    return loss


add("ppo", "critic", dict(clip=0.2, valueClip=0.2, valueWeight=0.1, entropyBonus=0.0), ppo(0.2, 0.2, 0.1, 0.0), {"clip_ratio/region_mean": ratio_metrics(RATIO, 0.2, 0.2)["clip_ratio/region_mean"]})
add("ppo with a wide clip", "critic", dict(clip=0.5, valueClip=0.1, valueWeight=0.5, entropyBonus=0.01), ppo(0.5, 0.1, 0.5, 0.01))

add("sft", "likelihood", dict(dynamic=False), lambda l, h, v: aggregate(-l, "TokenMean"), advantage=torch.ones(B, T))
add("reward-weighted sft", "likelihood", dict(dynamic=False), lambda l, h, v: aggregate(-ADVANTAGE * l, "TokenMean"))
add("dynamic fine-tuning", "likelihood", dict(dynamic=True), lambda l, h, v: aggregate(-torch.exp(l).detach() * l, "TokenMean"), advantage=torch.ones(B, T))


def dpo(kind, beta, smoothing):
    def loss(l, h, v):
        sums = ((l - REF) * MASK).sum(1)
        if kind == "Ipo":
            sums = sums / MASK.sum(1)
        c, r = sums[0::2], sums[1::2]
        d = beta * (c - r)
        if kind == "Sigmoid":
            return -F.logsigmoid(d).mean()
        if kind == "Robust":
            return ((-(1 - smoothing) * F.logsigmoid(d) + smoothing * F.logsigmoid(-d)) / (1 - 2 * smoothing)).mean()
        if kind == "Ipo":
            return ((c - r - 1 / (2 * beta)) ** 2).mean()
        if kind == "Hinge":
            return F.relu(1 - d).mean()
        return (1 - torch.sigmoid(beta * c) + torch.sigmoid(beta * r)).mean()
    return loss


SUMS = ((NEW - REF) * MASK).sum(1)
for kind, beta, smoothing in [("Sigmoid", 0.1, 0.0), ("Sigmoid", 2.0, 0.0), ("Robust", 0.5, 0.1), ("Ipo", 0.1, 0.0), ("Hinge", 0.1, 0.0), ("Hinge", 3.0, 0.0), ("ApoZero", 0.7, 0.0)]:
    c, r = beta * SUMS[0::2], beta * SUMS[1::2]
    logps = (NEW * MASK).sum(1)
    add(f"dpo {kind} {beta}", "preference", dict(kind=kind, beta=beta, smoothing=smoothing), dpo(kind, beta, smoothing), {
        "rewards/chosen": float(c.mean()), "rewards/rejected": float(r.mean()), "rewards/margins": float((c - r).mean()), "rewards/accuracies": float((c > r).double().mean()),
        "logps/chosen": float(logps[0::2].mean()), "logps/rejected": float(logps[1::2].mean())})


def kto(beta, z, good, bad):
    def loss(l, h, v):
        x = ((l - REF) * MASK).sum(1)
        is_good = ADVANTAGE[:, 0] > 0
        return torch.where(is_good, good * (1 - torch.sigmoid(beta * (x - z))), bad * (1 - torch.sigmoid(beta * (z - x)))).mean()
    return loss


good = ADVANTAGE[:, 0] > 0
for beta, z, w, u in [(0.1, 0.0, 1.0, 1.0), (0.5, 0.3, 1.0, 1.33)]:
    add(f"kto {beta}", "prospect", dict(beta=beta, referencePoint=z, goodWeight=w, badWeight=u), kto(beta, z, w, u), {
        "rewards/chosen": float((beta * SUMS)[good].mean()), "rewards/rejected": float((beta * SUMS)[~good].mean()), "kl": z})

# Advantages.
rewards = single(torch.tensor([1.0, 0.0, 0.5, 0.25, 0.3, 0.3, 0.3, 0.3, 1.0, 1.0, 0.0, 1.0, 0.7]))
groups = [7, 7, 7, 7, 3, 3, 3, 3, 9, 9, 9, 9, 1]


def group_advantages(scale, leave_one_out):
    out = torch.zeros(len(groups))
    for g in set(groups):
        at = [i for i, x in enumerate(groups) if x == g]
        r = rewards[at]
        if len(at) == 1 or float(r.max()) == float(r.min()):
            continue
        a = r - r.mean()
        if leave_one_out:
            a = torch.stack([r[i] - (r.sum() - r[i]) / (len(at) - 1) for i in range(len(at))])
        if scale == "Group":
            a = a / (r.std() + 1e-4)
        if scale == "Batch":
            a = a / (rewards.std() + 1e-4)
        out[at] = a
    return [float(x) for x in out]


advantages = [dict(scale=s, leaveOneOut=l, values=group_advantages(s, l)) for s in ["Group", "Batch", "None"] for l in [False, True]]


def gae(gamma, lam):
    rewards_t = single(torch.randn(B, T))
    a, r = torch.zeros(B, T), torch.zeros(B, T)
    for b, n in enumerate(LENGTHS):
        for t in range(n):
            total = 0.0
            for k in range(t, n):
                delta = rewards_t[b, k] + (gamma * VALUE[b, k + 1] if k + 1 < n else 0.0) - VALUE[b, k]
                total = total + (gamma * lam) ** (k - t) * delta
            a[b, t] = total
            r[b, t] = total + VALUE[b, t]
    return dict(discount=gamma, **{"lambda": lam}, rewards=flat(rewards_t), advantages=flat(a), returns=flat(r))


def to_go(gamma):
    scores = single(torch.randn(B))
    tokens = -0.05 * (OLD - REF)
    for b, n in enumerate(LENGTHS):
        tokens[b, n - 1] += scores[b]
    out = torch.zeros(B, T)
    for b, n in enumerate(LENGTHS):
        for t in range(n):
            out[b, t] = sum(gamma ** (k - t) * tokens[b, k] for k in range(t, n))
    values = torch.tensor(flat(out))
    white = (values - values.mean()) * torch.rsqrt(values.var(unbiased=True) + 1e-8)
    return dict(discount=gamma, beta=0.05, scores=[float(x) for x in scores], rewards=flat(tokens), returns=flat(out), whitened=[float(x) for x in white])


everything = dict(starts=STARTS, maxTokens=MAX, reference=flat(REF), entropies=flat(ENTROPY), values=flat(VALUE), oldValues=flat(OLD_VALUE), returns=flat(RETURN), cases=cases,
                  rewards=[float(x) for x in rewards], groups=groups, groupAdvantages=advantages, generalized=[gae(1.0, 0.95), gae(0.9, 0.8)], toGo=[to_go(1.0), to_go(0.9)])


def lines(value):
    """JSON with one line per case, so that a change can be seen."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(x) for x in value) + "\n]"
    return json.dumps(value)


with open("objectives.json", "w") as f:
    f.write("{\n" + ",\n".join(json.dumps(k) + ": " + lines(v) for k, v in everything.items()) + "\n}\n")
