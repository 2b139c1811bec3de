// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A tensor that a network's files hold: name, shape, what it is for.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Where a tensor enters its network.
enum class tensor_role {
  unused,   ///< known to be in the files, not needed
  by_name,  ///< read under its name
  words,
  positions,
  types,
  embedding_norm_weight,
  embedding_norm_bias,
  attention_norm_weight,
  attention_norm_bias,
  query_weight,
  query_bias,
  key_weight,
  key_bias,
  value_weight,
  value_bias,
  qkv_weight,  ///< the three above, stored as one
  qkv_bias,
  rotary_frequencies,
  attention_output_weight,
  attention_output_bias,
  convolution_weight,  ///< (out, in, taps)
  convolution_bias,
  convolution_norm_weight,
  convolution_norm_bias,
  feed_forward_norm_weight,
  feed_forward_norm_bias,
  feed_forward1_weight,
  feed_forward1_bias,
  gate_weight,  ///< the second half of a gated first product, where it is stored by itself
  gate_bias,
  gate_beta,
  feed_forward2_weight,
  feed_forward2_bias,
  final_norm_weight,
  final_norm_bias,
  head_dense_weight,
  head_dense_bias,
  head_norm_weight,
  head_norm_bias,
  decoder_weight,
  decoder_bias
};

/// How a tensor counts and how a random twin fills it.
enum class tensor_kind {
  matrix,       ///< normal(0, initializer_range)
  bias,         ///< 0
  norm_weight,  ///< 1
  buffer        ///< no parameter
};

/// A tensor of the reference implementation's files.
struct planned_tensor {
  std::string name = {};
  std::vector<index_t> shape = {};  ///< empty: any
  tensor_role role = tensor_role::unused;
  tensor_kind kind = tensor_kind::matrix;
  index_t layer = -1;  ///< -1: outside the blocks
  bool required = true;
  bool counted = true;       ///< among the parameters of the reference implementation's model
  std::string same_as = {};  ///< tied: must hold the same numbers as this tensor
  std::string group = {};    ///< one tensor under several names: at least one of a group must be there
};

DNALM_END_NAMESPACE
