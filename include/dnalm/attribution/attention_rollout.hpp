// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention rollout: how much of every token reaches every other through the layers of an encoder.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// rollout (T, T) becomes A^ rollout, A^ the rows of (attention + I) / 2 divided by their sums: one layer
/// more (Abnar and Zuidema 2020). Begin with the identity. Cost: T^3. \throws error [dnalm.shape.865]
/// matrices that are not square of one size.
void add_to_rollout(matrix_view<const double> attention, matrix<double>& rollout);

/// The identity (T, T).
[[nodiscard]] matrix<double> identity_rollout(index_t tokens);

/// Whose row of the rollout is read for bases.
enum class rollout_reader {
  sequence_tokens,  ///< the mean over all tokens that stand for bases
  first_token       ///< CLS, or whatever the tokenizer puts before the bases
};
[[nodiscard]] std::string_view to_string(rollout_reader reader);

/// Means and convention; numbers depend on the first only.
struct rollout_options {
  rollout_reader reader = rollout_reader::sequence_tokens;
  int threads = 0;                    ///< the calling one among them; 0: all cores
  index_t memory = index_t{1} << 30;  ///< budget for batches, bytes; one sequence always runs
};

/// Rollout of one sequence.
struct attention_rollout {
  /// (T, T) R = A^_n ... A^_1, each row of sum 1: row i says of which input tokens token i's last state is
  /// made.
  matrix<double> tokens = {};
  /// (L) what the reader takes from each base: a token's number is shared evenly among its bases, and a base
  /// gets its shares of all tokens that hold it. The sum is 1 less what goes to CLS, SEP and the like.
  std::vector<double> bases = {};
};

/// Rollout through all blocks of an encoder. Attention is the mean over heads. Numbers are those of double on
/// the backend's queries and keys. \throws error [dnalm.unsupported.866] a network without attention, one
/// whose attention is not between its tokens (Enformer: between bins, behind convolutions), or a backend that
/// hands none out (names the architecture), [dnalm.unsupported.867] the first token as reader where none
/// stands before the bases; as model::tokenize.
[[nodiscard]] std::vector<attention_rollout> roll_out_attention(
    const model& network, std::span<const io::sequence_record> sequences,
    const rollout_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/attention_rollout_impl.hpp>
#endif
