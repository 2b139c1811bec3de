// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module models.
#pragma once

#include <dnalm/models/backends.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/device_model_of.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/hyena_config.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/hyena_tensors.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/keras_graph.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/models/model_of.hpp>
#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/models/network.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/models/sequence_input.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
