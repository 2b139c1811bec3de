// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A model that tells which passes were asked of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include <dnalm/models/model.hpp>

namespace dnalm_test {

/// A model that counts what is asked of another one.
class watched_model : public dnalm::model_base {
 public:
  explicit watched_model(dnalm::model inner) : inner_(std::move(inner)) {}
  mutable dnalm::index_t whole_passes = 0;  ///< through all layers
  mutable dnalm::index_t logits = 0;        ///< passes that made logits
  mutable dnalm::index_t gradients = 0;
  mutable dnalm::index_t highest = -1;  ///< hidden state that was computed

  void forward(const dnalm::token_batch& batch, dnalm::matrix_view<const float> rows,
               dnalm::layer_observer layers, const dnalm::logits_observer* observer,
               dnalm::forward_workspace& workspace) const override {
    count(whole_passes);
    if (observer == nullptr) return inner_.forward(batch, layers, workspace);
    count(logits);
    if (rows.data == nullptr) return inner_.forward(batch, layers, *observer, workspace);
    inner_.forward_from_rows(batch, rows, layers, *observer, workspace);
  }
  void input_gradients(const dnalm::token_batch& batch, const dnalm::gradient_request& request,
                       dnalm::gradient_observer receive, dnalm::forward_workspace& workspace) const override {
    dnalm::gradient_request watched = request;
    watched.states = [&](dnalm::index_t layer, dnalm::matrix_view<const float> x) {
      {
        const std::lock_guard alone(guard_);
        highest = std::max(highest, layer);
      }
      if (request.states) request.states(layer, x);
    };
    if (request.backward) count(gradients);
    if (request.logits) count(logits);
    inner_.input_gradients(batch, watched, receive, workspace);
  }
  void word_rows(std::span<const std::int32_t> ids, dnalm::matrix_view<float> rows) const override {
    inner_.word_rows(ids, rows);
  }
  dnalm::index_t workspace_bytes(dnalm::index_t tokens, dnalm::index_t longest,
                                 bool with_logits) const override {
    return inner_.workspace_bytes(tokens, longest, with_logits);
  }
  dnalm::index_t gradient_bytes(const dnalm::gradient_request& request, dnalm::index_t tokens,
                                dnalm::index_t longest) const override {
    return inner_.gradient_bytes(request, tokens, longest);
  }
  dnalm::index_t state_width(dnalm::index_t state) const override { return inner_.state_width(state); }
  dnalm::index_t state_rows(dnalm::index_t state, dnalm::index_t tokens,
                            const std::string& where) const override {
    return inner_.state_rows(state, tokens, where);
  }
  dnalm::index_t inner_rows(dnalm::index_t tokens, const std::string& where) const override {
    return inner_.inner_rows(tokens, where);
  }
  std::shared_ptr<const dnalm::model_base> remade(const dnalm::network_config&, const dnalm::weight_source&,
                                                  int) const override {
    return nullptr;
  }

 private:
  void count(dnalm::index_t& passes) const {
    const std::lock_guard alone(guard_);
    ++passes;
  }

  dnalm::model inner_;
  mutable std::mutex guard_;
};

}  // namespace dnalm_test
