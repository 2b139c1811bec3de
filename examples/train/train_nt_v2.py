#!/usr/bin/env python3
"""Trains a small NT-v2 model with masked 6-mers on the corpus of prepare_corpus.py.

The schedule is a function of the time used, so that the learning rate reaches zero when --minutes are over.  A run
that was stopped goes on from its checkpoint with the same command.

    train_nt_v2.py --corpus corpus.npz --work DIR --minutes 75 --export MODEL_DIR
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import dnautil as du
import nt_v2

BUCKETS = [16, 32, 49, 100, 201]    # 6-mers per training sequence; a piece goes to the largest that fits
POWERS = torch.from_numpy(du._POWERS)


class Corpus:
    """Random training batches: every piece in a random frame, on a random strand, with isolated masks."""

    def __init__(self, path, part, tokens, seed, human_weight=1.0):
        z = np.load(path)
        chosen = np.flatnonzero(z["part"] == part)
        self.codes = torch.from_numpy(z["codes"])
        start, size = z["offsets"][:-1][chosen], np.diff(z["offsets"])[chosen]
        human = z["species"][chosen] == 1
        bucket = np.searchsorted(BUCKETS, size // 6, side="right") - 1
        weight = np.array([(size[bucket == b] * np.where(human[bucket == b], human_weight, 1.0)).sum()
                           for b in range(len(BUCKETS))])
        self.random = np.random.default_rng(seed)
        self.members, self.groups, self.queue = [], [], []
        for b, t in enumerate(BUCKETS):
            rows = int(round(tokens * weight[b] / weight.sum() / (t + 1)))
            if rows:
                keep = np.flatnonzero(bucket == b)
                self.members.append((start[keep], size[keep]))
                self.groups.append((rows, t + 1))
                self.queue.append(np.empty(0, np.int64))
        self.bases = int(size.sum())

    def draw(self, g, rows):
        while len(self.queue[g]) < rows:
            self.queue[g] = np.concatenate([self.queue[g], self.random.permutation(len(self.members[g][0]))])
        picked, self.queue[g] = self.queue[g][:rows], self.queue[g][rows:]
        return picked

    def batch(self, rate=0.25, corrupt=0.10):
        """ids with masks, positions of the masks, true ids.  About 0.19 of the tokens at rate 0.25."""
        inputs, places, truth, at = [], [], [], 0
        for g, (rows, length) in enumerate(self.groups):
            t = length - 1
            picked = self.draw(g, rows)
            start, size = (x[picked] for x in self.members[g])
            first = start + (self.random.random(rows) * (size - 6 * t + 1)).astype(np.int64)
            codes = self.codes[torch.from_numpy(first)[:, None] + torch.arange(6 * t)].long()
            flip = torch.from_numpy(self.random.random(rows) < 0.5)
            codes[flip] = codes[flip].flip(1) ^ 1
            ids = du.FIRST_KMER_ID + (codes.view(rows, t, 6) * POWERS).sum(-1)
            # local minima of random numbers: no two neighbours are ever masked together
            u = np.pad(self.random.random((rows, t)), ((0, 0), (1, 1)), constant_values=1.0)
            mid = u[:, 1:-1]
            mask = torch.from_numpy((mid < u[:, :-2]) & (mid < u[:, 2:]) & (mid < rate))
            full = torch.full((rows, length), du.CLS_ID)
            full[:, 1:] = ids
            where = torch.zeros(rows, length, dtype=torch.bool)
            where[:, 1:] = mask
            where = where.view(-1).nonzero().squeeze(1)
            full = full.view(-1)
            truth.append(full[where])
            # most masked places show <mask>, a few a random 6-mer, a few the true one
            show = torch.full((len(where),), du.MASK_ID)
            dice = torch.from_numpy(self.random.random(len(where)))
            noise = torch.from_numpy(self.random.integers(0, du.NUM_KMERS, len(where))) + du.FIRST_KMER_ID
            show = torch.where(dice < corrupt / 2, noise, torch.where(dice < corrupt, truth[-1], show))
            full = full.index_copy(0, where, show)
            inputs.append(full)
            places.append(where + at)
            at += rows * length
        return torch.cat(inputs), torch.cat(places), torch.cat(truth)


def sixmer_counts(codes, offsets, chosen):
    counts = np.zeros(du.NUM_KMERS, np.int64)
    piece = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    value = np.zeros(len(codes) - 5, np.int64)
    for i in range(6):
        value = value * 4 + codes[i:len(codes) - 5 + i]
    ok = (piece[5:] == piece[:-5]) & chosen[piece[5:]]
    counts += np.bincount(value[ok], minlength=du.NUM_KMERS)
    rc = np.zeros(du.NUM_KMERS, np.int64)
    k = np.arange(du.NUM_KMERS)
    for i in range(6):
        rc = rc * 4 + ((k >> (2 * i)) & 3 ^ 1)
    return counts + counts[rc]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--work", required=True, help="checkpoint and loss curve")
    parser.add_argument("--export", help="model folder to write at the end")
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--heads", type=int, default=10)
    parser.add_argument("--inner", type=int, default=320)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--max-positions", type=int, default=514)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens per step")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--table-lr", type=float, default=0.5, help="learning rate of the token tables, relative")
    parser.add_argument("--warmup", type=float, default=0.01, help="share of the time")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--human-weight", type=float, default=1.5)
    parser.add_argument("--corrupt", type=float, default=0.10)
    parser.add_argument("--bf16", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    os.makedirs(args.work, exist_ok=True)

    cfg = nt_v2.config(args.hidden, args.heads, args.inner, args.layers, args.max_positions)
    generator = torch.Generator().manual_seed(args.seed)
    p = nt_v2.initial_parameters(cfg, generator)
    tables = {"in": nt_v2.new_tables(args.hidden, 0.02, generator),
              "out": nt_v2.new_tables(args.hidden, 0.005, generator)}
    z = np.load(args.corpus)
    counts = sixmer_counts(z["codes"].astype(np.int64), z["offsets"], z["part"] == 0)
    p["lm_head.bias"][:] = -15.0
    p["lm_head.bias"][du.FIRST_KMER_ID:du.FIRST_SINGLE_ID] = torch.from_numpy(np.log((counts + 1) / counts.sum())).float()

    # one flat dictionary of everything that is trained
    train = dict(p)
    for side, (tab, special) in tables.items():
        train[f"{side}.special"] = special
        for (s, n), t in tab.items():
            train[f"{side}.{s}.{n}"] = t
    for v in train.values():
        v.requires_grad_(True)

    def matrix(side, source):
        return nt_v2.compose({(s, n): source[f"{side}.{s}.{n}"] for n in range(1, 7) for s in range(7 - n)},
                             source[f"{side}.special"])

    is_table = lambda k: k.startswith(("in.", "out."))
    settings = [dict(params=[v for k, v in train.items() if is_table(k)], lr=args.lr * args.table_lr,
                     weight_decay=args.weight_decay),
                dict(params=[v for k, v in train.items() if not is_table(k) and v.dim() == 2], lr=args.lr,
                     weight_decay=args.weight_decay),
                dict(params=[v for k, v in train.items() if v.dim() == 1], lr=args.lr, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(settings, betas=(0.9, 0.98), eps=1e-8, fused=True)
    for group in optimizer.param_groups:
        group["peak"] = group["lr"]
    averaged = {k: v.detach().clone() for k, v in train.items()}
    names = list(train)

    corpus = Corpus(args.corpus, 0, args.tokens, args.seed, args.human_weight)
    rotary = nt_v2.rotary_tables(corpus.groups, args.hidden // args.heads)
    # a fixed validation batch
    valid = Corpus(args.corpus, 1, 24000, 99, 1.0)
    valid_batch = valid.batch(corrupt=0.0)
    valid_rotary = nt_v2.rotary_tables(valid.groups, args.hidden // args.heads)

    def loss_of(source, batch, groups, rotary_tables, bf16):
        ids, places, truth = batch
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            x = nt_v2.encode(source, cfg, matrix("in", source), ids, groups, rotary_tables)
            logits = nt_v2.head(source, cfg, matrix("out", source), x[places])
        return F.cross_entropy(logits.float(), truth)

    step, used, tokens = 0, 0.0, 0
    checkpoint = os.path.join(args.work, "checkpoint.pt")
    curve = os.path.join(args.work, "loss_curve.tsv")
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint, weights_only=False)
        with torch.no_grad():
            for k in names:
                train[k].copy_(state["train"][k])
                averaged[k].copy_(state["averaged"][k])
        optimizer.load_state_dict(state["optimizer"])
        step, used, tokens = state["step"], state["used"], state["tokens"]
        corpus.random = np.random.default_rng(args.seed + step)
    else:
        with open(curve, "w") as handle:
            handle.write("step\tminutes\ttokens\tlearning_rate\ttrain_ce\tvalid_ce\n")
    exported = sum(v.numel() for k, v in p.items()) + 2 * du.VOCAB_SIZE * args.hidden + args.max_positions * args.hidden
    print(f"{exported} exported parameters, groups {corpus.groups}, corpus {corpus.bases} bases, "
          f"{len(valid_batch[1])} validation masks", flush=True)

    budget = args.minutes * 60
    last = time.time()
    running, running_n = 0.0, 0
    next_valid, next_save = used, used + 600
    while used < budget:
        fraction = used / budget
        factor = min(1.0, fraction / args.warmup) * 0.5 * (1 + math.cos(math.pi * fraction))
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * max(factor, 1e-4)
        batch = corpus.batch(corrupt=args.corrupt)
        loss = loss_of(train, batch, corpus.groups, rotary, bool(args.bf16))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(train.values(), 1.0)
        optimizer.step()
        step += 1
        tokens += len(batch[0])
        with torch.no_grad():
            decay = min(args.ema, step / (step + 10))
            torch._foreach_lerp_([averaged[k] for k in names], [train[k] for k in names], 1 - decay)
        running += loss.item()
        running_n += 1
        now = time.time()
        used += now - last
        last = now
        done = used >= budget
        if step % 100 == 0 or done:
            value = ""
            if used >= next_valid or done:
                with torch.no_grad():
                    value = f"{loss_of(averaged, valid_batch, valid.groups, valid_rotary, False).item():.4f}"
                next_valid = used + 240
            with open(curve, "a") as handle:
                handle.write(f"{step}\t{used / 60:.2f}\t{tokens}\t{args.lr * factor:.3e}\t{running / running_n:.4f}\t{value}\n")
            print(f"step {step} {used / 60:.2f} min {tokens / used:.0f} tok/s train {running / running_n:.4f} {value}", flush=True)
            running, running_n = 0.0, 0
        if used >= next_save or done:
            torch.save(dict(train={k: v.detach() for k, v in train.items()}, averaged=averaged,
                            optimizer=optimizer.state_dict(), step=step, used=used, tokens=tokens), checkpoint + ".tmp")
            os.replace(checkpoint + ".tmp", checkpoint)
            next_save = used + 600
    if args.export:
        with torch.no_grad():
            final = {k: averaged[k] for k in p}
            nt_v2.export(args.export, final, cfg, matrix("in", averaged), matrix("out", averaged))
        print("written", args.export, flush=True)


if __name__ == "__main__":
    main()
