#!/usr/bin/env python3
"""Trains a small GPN model (masked single bases) on the corpus of prepare_corpus.py.

The schedule is a function of the time on the clock, pauses included, so that the learning rate reaches zero when
--minutes are over.  A run that was stopped goes on from its checkpoint with the same command.

    train_gpn.py --corpus corpus.npz --work DIR --minutes 60 --export MODEL_DIR
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import gpn

LENGTHS = [96, 192, 297, 600, 1206]     # bases per training window; a piece goes to the largest that fits


class Corpus:
    """Random training batches: every piece at a random place, on a random strand, with random masks."""

    def __init__(self, path, part, tokens, seed, human_weight=1.0):
        z = np.load(path)
        chosen = np.flatnonzero(z["part"] == part)
        self.codes = torch.from_numpy(z["codes"])
        start, size = z["offsets"][:-1][chosen], np.diff(z["offsets"])[chosen]
        factor = np.where(z["species"][chosen] == 1, human_weight, 1.0)
        bucket = np.searchsorted(LENGTHS, size, side="right") - 1
        self.random = np.random.default_rng(seed)
        self.groups = []                # (length, rows per step, starts, sizes)
        share = [(size * factor)[bucket == b].sum() for b in range(len(LENGTHS))]
        for b, length in enumerate(LENGTHS):
            rows = int(round(tokens * share[b] / sum(share) / length))
            if rows:
                self.groups.append((length, rows, start[bucket == b], size[bucket == b]))
        self.queue = [np.empty(0, np.int64) for _ in self.groups]
        self.bases = int(size.sum())

    def draw(self, g):
        length, rows, start, size = self.groups[g]
        while len(self.queue[g]) < rows:
            self.queue[g] = np.concatenate([self.queue[g], self.random.permutation(len(start))])
        picked, self.queue[g] = self.queue[g][:rows], self.queue[g][rows:]
        first = start[picked] + (self.random.random(rows) * (size[picked] - length + 1)).astype(np.int64)
        codes = self.codes[torch.from_numpy(first)[:, None] + torch.arange(length)].long()
        flip = torch.from_numpy(self.random.random(rows) < 0.5)
        codes[flip] = codes[flip].flip(1) ^ 1
        return gpn.ID_OF_CODE[codes]

    def batch(self, rate, corrupt):
        """One (ids with masks, where, true ids) per length.  Most masked places show [MASK], a share of corrupt/2 a
        random base, the same share the true one."""
        out = []
        for g in range(len(self.groups)):
            ids = self.draw(g)
            where = torch.from_numpy(self.random.random(ids.shape) < rate)
            truth = ids[where]
            dice = torch.from_numpy(self.random.random(len(truth)))
            noise = torch.from_numpy(self.random.integers(0, 4, len(truth))) + gpn.FIRST_BASE_ID
            show = torch.full_like(truth, gpn.MASK_ID)
            show = torch.where(dice < corrupt / 2, noise, torch.where(dice < corrupt, truth, show))
            out.append((ids.masked_scatter(where, show), where, truth))
        return out


def loss_of(p, cfg, batch, bf16):
    """Mean cross-entropy over all masked places of a step."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        states = torch.cat([gpn.encode(p, cfg, ids)[where] for ids, where, _ in batch])
        hidden = gpn.norm_gelu(p, "cls.decoder.2", gpn.linear(p, "cls.decoder.0", states))
    logits = F.linear(hidden, p["cls.decoder.3.weight"], p["cls.decoder.3.bias"])
    return F.cross_entropy(logits, torch.cat([truth for _, _, truth in batch]))


def optimizer_for(p, lr, weight_decay):
    settings = [dict(params=[v for v in p.values() if v.dim() > 1], lr=lr, weight_decay=weight_decay),
                dict(params=[v for v in p.values() if v.dim() == 1], lr=lr, weight_decay=0.0)]
    return torch.optim.AdamW(settings, betas=(0.9, 0.98), eps=1e-8, fused=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--work", required=True, help="checkpoint and loss curve")
    parser.add_argument("--export", help="model folder to write at every checkpoint")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=5000, help="bases per step")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=float, default=0.02, help="share of the time")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--human-weight", type=float, default=1.5)
    parser.add_argument("--rate", type=float, default=0.15, help="share of masked bases")
    parser.add_argument("--corrupt", type=float, default=0.10)
    parser.add_argument("--bf16", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    os.makedirs(args.work, exist_ok=True)

    cfg = gpn.config(args.hidden, args.layers)
    train = gpn.initial_parameters(cfg, torch.Generator().manual_seed(args.seed))
    averaged = {k: v.clone() for k, v in train.items()}
    for v in train.values():
        v.requires_grad_(True)
    optimizer = optimizer_for(train, args.lr, args.weight_decay)
    corpus = Corpus(args.corpus, 0, args.tokens, args.seed, args.human_weight)
    valid_batch = Corpus(args.corpus, 1, 30000, 99).batch(0.15, 0.0)

    step, used, busy, tokens = 0, 0.0, 0.0, 0
    checkpoint, curve = os.path.join(args.work, "checkpoint.pt"), os.path.join(args.work, "loss_curve.tsv")
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint, weights_only=False)
        with torch.no_grad():
            for k in train:
                train[k].copy_(state["train"][k])
                averaged[k].copy_(state["averaged"][k])
        optimizer.load_state_dict(state["optimizer"])
        step, used, busy, tokens = state["step"], state["used"], state["busy"], state["tokens"]
        corpus.random = np.random.default_rng(args.seed + step)
    else:
        with open(curve, "w") as handle:
            handle.write("step\tminutes\ttokens\tlearning_rate\ttrain_ce\tvalid_ce\n")
    print(f"{sum(v.numel() for v in train.values())} parameters, windows "
          f"{[(rows, length) for length, rows, _, _ in corpus.groups]}, corpus {corpus.bases} bases, "
          f"{sum(len(t) for _, _, t in valid_batch)} validation masks", flush=True)

    budget, last, last_busy = args.minutes * 60, time.time(), time.process_time()
    running, next_valid, next_save = [], used, used + 300
    while used < budget:
        fraction = used / budget
        factor = min(1.0, fraction / args.warmup) * 0.5 * (1 + math.cos(math.pi * fraction))
        for group in optimizer.param_groups:
            group["lr"] = args.lr * max(factor, 1e-4)
        batch = corpus.batch(args.rate, args.corrupt)
        loss = loss_of(train, cfg, batch, bool(args.bf16))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(train.values(), 1.0)
        optimizer.step()
        step += 1
        tokens += sum(ids.numel() for ids, _, _ in batch)
        with torch.no_grad():
            decay = min(args.ema, step / (step + 10))
            torch._foreach_lerp_(list(averaged.values()), list(train.values()), 1 - decay)
        running.append(loss.item())
        now, now_busy = time.time(), time.process_time()
        used, busy = used + now - last, busy + now_busy - last_busy
        last, last_busy = now, now_busy
        done = used >= budget
        if step % 100 == 0 or done:
            value = ""
            if used >= next_valid or done:
                with torch.no_grad():
                    value = f"{loss_of(averaged, cfg, valid_batch, False).item():.4f}"
                next_valid = used + 240
            row = f"{step}\t{used / 60:.2f}\t{tokens}\t{args.lr * factor:.3e}\t{np.mean(running):.4f}\t{value}"
            with open(curve, "a") as handle:
                handle.write(row + "\n")
            print(f"{row}\t{busy / 60:.2f} min of the processor", flush=True)
            running = []
        if used >= next_save or done:
            torch.save(dict(train={k: v.detach() for k, v in train.items()}, averaged=averaged,
                            optimizer=optimizer.state_dict(), step=step, used=used, busy=busy, tokens=tokens),
                       checkpoint + ".tmp")
            os.replace(checkpoint + ".tmp", checkpoint)
            next_save = used + 300
            if args.export:
                gpn.export(args.export, averaged, cfg)
    print("finished", flush=True)


if __name__ == "__main__":
    main()
