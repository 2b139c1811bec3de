// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Who takes the embeddings: blocks of consecutive sequences, in input order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/models/device_poolings.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE

/// What will come, told once before the first block.
struct embedding_shape {
  index_t sequences = 0;
  index_t tokens = 0;      ///< of all sequences together
  index_t width = 0;       ///< D; where layers have widths of their own, of the first that is selected
  index_t vocabulary = 0;  ///< the width of the logits
  index_t logit_rows = 0;  ///< of all sequences together; `tokens` but for networks that resize
  std::vector<index_t> layers = {};    ///< selected, in the order asked for
  std::vector<index_t> widths = {};    ///< of each of `layers`
  std::vector<index_t> rows = {};      ///< of each of `layers`, all sequences together
  std::vector<pooling> poolings = {};  ///< in the order asked for
  bool logits = false;

  /// Place of (pooling p, layer l) (as positions in `poolings` and `layers`) in embedding_block::values.
  [[nodiscard]] std::size_t place(std::size_t pooling_at, std::size_t layer_at) const {
    return pooling_at * layers.size() + layer_at;
  }
};

/// Results of consecutive sequences.
struct embedding_block {
  index_t sequences = 0;
  ragged_offsets offsets = {};            ///< of the block's tokens, from 0
  std::vector<ragged_offsets> rows = {};  ///< by layer, of its rows; empty: all as `offsets`
  ragged_offsets logit_rows = {};         ///< the same of the logits; empty: as `offsets`
  std::vector<std::int32_t> ids = {};     ///< of the block's tokens
  std::vector<matrix<float>> values =
      {};                     ///< by embedding_shape::place: (sequences, width), for `tokens` (rows, width)
  matrix<float> logits = {};  ///< (tokens, V), or (rows, predictions), when asked for
  /// Not empty: the vectors lie on the GPU of embedding_sink::device, those of consecutive sequences in each;
  /// places are those of embedding_shape's layers and poolings. `values` then has the rows of
  /// embedding_sink::seen alone.
  std::vector<std::shared_ptr<const device_poolings>> on_device = {};

  /// Where the logits of each sequence lie, whether layers were selected or not.
  [[nodiscard]] const ragged_offsets& rows_of_logits() const {
    return logit_rows.sequences() == 0 ? offsets : logit_rows;
  }
};

/// Takes blocks on the thread that called embed(), strictly in input order.
class embedding_sink {
 public:
  virtual ~embedding_sink() = default;
  virtual void begin(const embedding_shape& shape) = 0;
  virtual void consume(index_t first_sequence, const embedding_block& block) = 0;

  /// The GPU from whose memory it takes pooled vectors: a model that runs there leaves them there, of the
  /// sequences that are pooled as a whole. None: it takes them from the host.
  [[nodiscard]] virtual std::optional<int> device() const { return {}; }
  /// Of the sequences [first, first + count) those whose vectors it wants on the host as well, from 0,
  /// rising. Asked by several threads at once, in any order, after begin().
  [[nodiscard]] virtual std::vector<index_t> seen(index_t /*first*/, index_t /*count*/) const { return {}; }
};

DNALM_END_NAMESPACE
