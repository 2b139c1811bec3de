// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A chunk that a device has no memory for, in two halves.
#pragma once

#include <algorithm>
#include <iterator>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/detail/chunk_runner.hpp>
#include <dnalm/embed/detail/device_memory.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Sequences or windows that a chunk runs side by side.
[[nodiscard]] inline index_t runs_of(const sequence_chunk& chunk) {
  return chunk.windows > 0 ? chunk.windows : chunk.count;
}

/// The two halves of a chunk of at least two runs, in order.
[[nodiscard]] inline std::pair<sequence_chunk, sequence_chunk> halves_of(const embed_job& job,
                                                                         const sequence_chunk& chunk) {
  sequence_chunk a = chunk;
  sequence_chunk b = chunk;
  const index_t half = runs_of(chunk) / 2;
  if (chunk.windows > 0) {
    a.windows = half;
    b.windows -= half;
    b.first_window += half;
    a.tokens = chunk.tokens / chunk.windows * half;
    a.last = false;
  } else {
    a.count = half;
    b.count -= half;
    b.first += half;
    a.tokens = 0;
    for (index_t s = a.first; s < b.first; ++s) a.tokens += job.at(s).size();
  }
  b.tokens -= a.tokens;
  return {a, b};
}

/// The rows of b below those of a.
[[nodiscard]] inline matrix<float> stacked(const matrix<float>& a, const matrix<float>& b) {
  matrix<float> both(a.rows() + b.rows(), std::max(a.columns(), b.columns()));
  const index_t above = a.rows() * a.columns();
  std::copy_n(a.data(), above, both.data());
  std::copy_n(b.data(), b.rows() * b.columns(), both.data() + above);
  return both;
}

/// What the chunk of both would have given.
[[nodiscard]] inline chunk_result joined(chunk_result a, chunk_result b) {
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  embedding_block& block = a.block;
  block.sequences += b.block.sequences;
  for (index_t s = 0; s < b.block.offsets.sequences(); ++s) block.offsets.append(b.block.offsets.length(s));
  append(block.ids, b.block.ids);
  const auto append_rows = [&](ragged_offsets& to, const ragged_offsets& from) {
    for (index_t s = 0; s < from.sequences(); ++s) to.append(from.length(s));
  };
  for (std::size_t l = 0; l < block.rows.size(); ++l) append_rows(block.rows[l], b.block.rows[l]);
  append_rows(block.logit_rows, b.block.logit_rows);
  for (std::size_t i = 0; i < block.values.size(); ++i) {
    block.values[i] = stacked(block.values[i], b.block.values[i]);
  }
  block.logits = stacked(block.logits, b.block.logits);
  append(block.on_device, b.block.on_device);
  append(a.parts, b.parts);
  append(a.logits, b.logits);
  return a;
}

/// Runs a chunk. Where the device has no memory for it and the network lets it be cut
/// (batch_preference::splits), its halves run one after another, and so on down to one sequence or window.
/// A result is handed out whole or not at all. \throws as chunk_runner::run.
[[nodiscard]] inline chunk_result run_chunk(const embed_job& job, const sequence_chunk& chunk,
                                            forward_workspace& workspace) {
  try {
    return chunk_runner(job, chunk).run(workspace);
  } catch (const error& e) {
    const bool again = wants_device_memory(e) && runs_of(chunk) > 1 && job.network.prefers().splits;
    if (!again) throw;
  }
  workspace.release();  // it may hold what the halves need
  const auto [first, second] = halves_of(job, chunk);
  chunk_result result = run_chunk(job, first, workspace);
  return joined(std::move(result), run_chunk(job, second, workspace));
}

}  // namespace detail
DNALM_END_NAMESPACE
