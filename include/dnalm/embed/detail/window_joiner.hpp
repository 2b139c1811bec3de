// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Joins the windows of a long sequence, in order, into the block that a whole run would give.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <dnalm/embed/detail/chunk_runner.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One layer (or the logits) of a sequence while its windows come.
///
/// A framing token (CLS, EOS) stands in every window: its row is the mean over the windows, summed in double
/// in their order. Sums over tokens are sums over windows of the windows' sums.
class joined_rows {
 public:
  void add(const window_part& part) {
    ++windows_;
    counted_ += part.counted;
    add_to(part.sum, sum_);
    add_to(part.sum_all, sum_all_);
    if (max_.empty()) max_ = part.max;
    raise_to_row(part.max.data(), max_);
    const auto frame_numbers = static_cast<std::size_t>(part.frame.rows() * part.frame.columns());
    if (frame_.empty()) frame_.resize(frame_numbers);
    add_row(part.frame.data(), frame_);
    frame_rows_ = part.frame.rows();
    width_ = part.frame.columns();
    rows_.insert(rows_.end(), part.rows.data(), part.rows.data() + part.rows.rows() * part.rows.columns());
  }

  /// Row `f` of the framing tokens.
  void frame_row(index_t f, float* out) const {
    for (index_t c = 0; c < width_; ++c) {
      out[c] = static_cast<float>(frame_[static_cast<std::size_t>(f * width_ + c)] /
                                  static_cast<double>(windows_));
    }
  }
  /// All rows: the first `prefix` framing ones, the kept ones, the other framing ones.
  [[nodiscard]] matrix<float> rows(index_t prefix) const {
    const index_t inner = static_cast<index_t>(rows_.size()) / std::max<index_t>(width_, 1);
    matrix<float> all(inner + frame_rows_, width_);
    for (index_t f = 0; f < frame_rows_; ++f) frame_row(f, all.view().row_data(f < prefix ? f : inner + f));
    std::copy(rows_.begin(), rows_.end(), all.data() + prefix * width_);
    return all;
  }
  [[nodiscard]] matrix<float> pooled(pooling kind, index_t tokens) const {
    matrix<float> y(1, width_);
    std::vector<double> sums = kind == pooling::mean_all ? sum_all_ : sum_;
    std::vector<float> row(static_cast<std::size_t>(width_));
    for (index_t f = 0; kind == pooling::mean_all && f < frame_rows_; ++f) {
      frame_row(f, row.data());
      add_row(row.data(), sums);
    }
    const index_t count = kind == pooling::mean_all ? tokens : counted_;
    const bool none = count == 0;
    for (index_t c = 0; c < width_; ++c) {
      const auto at = static_cast<std::size_t>(c);
      if (kind == pooling::max) {
        y(0, c) = none ? std::numeric_limits<float>::quiet_NaN() : max_[at];
      } else if (kind != pooling::cls) {
        y(0, c) = static_cast<float>(sums[at] / static_cast<double>(count));
      }
    }
    if (kind == pooling::cls) frame_row(0, y.data());
    return y;
  }

 private:
  static void add_to(const std::vector<double>& from, std::vector<double>& to) {
    if (to.empty()) to.resize(from.size());
    for (std::size_t c = 0; c < from.size(); ++c) to[c] += from[c];
  }

  std::vector<double> sum_;
  std::vector<double> sum_all_;
  std::vector<float> max_;
  std::vector<double> frame_;
  std::vector<float> rows_;
  index_t frame_rows_ = 0;
  index_t width_ = 0;
  index_t counted_ = 0;
  index_t windows_ = 0;
};

/// Takes the chunks of long sequences in order and gives each sequence's block after its last chunk.
class window_joiner {
 public:
  explicit window_joiner(const embed_job& job) : job_(job) {}

  void add(const chunk_result& part) {
    layers_.resize(job_.shape.layers.size());
    for (const auto& window : part.parts) {
      for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l].add(window[l]);
    }
    for (const window_part& window : part.logits) logits_.add(window);
  }

  [[nodiscard]] embedding_block take(index_t sequence) {
    const tokenized_sequence& tokens = job_.at(sequence);
    embedding_block block;
    block.sequences = 1;
    block.offsets.append(tokens.size());
    block.ids = tokens.ids;
    block.values.resize(job_.shape.poolings.size() * layers_.size());
    for (std::size_t p = 0; p < job_.shape.poolings.size(); ++p) {
      const pooling kind = job_.shape.poolings[p];
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        block.values[job_.shape.place(p, l)] =
            kind == pooling::tokens ? layers_[l].rows(tokens.prefix) : layers_[l].pooled(kind, tokens.size());
      }
    }
    if (job_.shape.logits) block.logits = logits_.rows(tokens.prefix);
    layers_.clear();
    logits_ = {};
    return block;
  }

 private:
  const embed_job& job_;
  std::vector<joined_rows> layers_;
  joined_rows logits_;
};

}  // namespace detail
DNALM_END_NAMESPACE
