// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The graph of a Keras model, read from Keras' own description of it.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/sequence_input.hpp>

DNALM_BEGIN_NAMESPACE

/// The graph of a functional or sequential model of Keras: `model` is what `model.to_json()` gives and what
/// .h5 files carry as `model_config`, of Keras 2 or 3; tensors are called as keras_checkpoint does,
/// `<layer>/<layer>/<variable>:0`, or `<layer>/.../<variable>`.
///
/// Built in: Conv1D (also as ConvDNA), Dense, BatchNormalization (last axis), Activation, Softmax, ReLU,
/// Dropout and its kin (nothing), MaxPooling1D, AveragePooling1D, GlobalMaxPooling1D, GlobalAveragePooling1D,
/// GlobalAveragePooling1D_Mask0, Flatten, Add, Multiply, Concatenate, Cropping1D, ZeroPadding1D,
/// UpSampling1D, SplineWeight1D, models inside models, and ChromBPNet's `logcount_predictions`, a Lambda,
/// which is log(exp(a)
/// + exp(b)) of two numbers. Outputs and layers are called as in Keras, those of a model inside a model
/// `<model>/<layer>`. Layers are all values but the outputs, flattened ones and those that only a batch norm
/// or a function reads.
///
/// Several inputs are one sequence: their rows behind each other in the order of the model. `input` says how
/// letters are read; its length and channels come from the model.
/// \throws error [dnalm.unsupported.447] a layer, or a setting of one, that is not built in,
/// [dnalm.config.448] a description that is damaged or not one of a model, [dnalm.config.410] a missing
/// tensor, [dnalm.shape.412] a tensor with other axes or sizes than the layer says, [dnalm.config.432] shapes
/// that do not fit.
[[nodiscard]] layer_graph keras_graph(const io::json& model, const tensor_table& tensors,
                                      const std::string& architecture = "Keras",
                                      const sequence_input& input = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/keras_graph_impl.hpp>
#endif
