// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a model predicts, head by head, and what its predictions are maps of.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE

/// A prediction of a network of layers, or the logits of a language model.
///
/// Linear output z of a prediction p = m(z): what its last sigmoid, softmax, softplus, exponential or tanh is
/// applied to; z is p where it ends in none of them. Where crops, reshapes or joins follow the map, z is
/// rearranged alike; where p is the mean of several values m(z_i) of one map (both strands of DeepSEA, the
/// members of an ensemble), z is the mean of the z_i and `averaged` is set: p is then not m(z).
struct prediction_head {
  std::string name = {};  ///< as the network calls it; `logits` of a language model
  index_t columns = 0;    ///< numbers of each row
  index_t state = -1;     ///< the hidden state that it is (model::state_rows says its rows); -1: the logits
  index_t linear_state = -1;  ///< that of its linear output, behind those that forward hands out; or `state`
  std::string map = {};       ///< `sigmoid`, `softmax`, ...; empty: none
  bool averaged = false;      ///< whether the prediction is a mean of such maps
};

/// All of a model, in their order; a language model has one.
[[nodiscard]] std::vector<prediction_head> prediction_heads(const model& network);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/prediction_head_impl.hpp>
#endif
