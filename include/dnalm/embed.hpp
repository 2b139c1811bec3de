// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module embed.
#pragma once

#include <dnalm/embed/embed.hpp>
#include <dnalm/embed/embed_options.hpp>
#include <dnalm/embed/embedding_sink.hpp>
#include <dnalm/embed/embeddings.hpp>
#include <dnalm/embed/layer_selection.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/embed/window_rule.hpp>
