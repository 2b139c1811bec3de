// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module tensor.
#pragma once

#include <dnalm/tensor/array.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>
