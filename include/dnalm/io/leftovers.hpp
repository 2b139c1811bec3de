// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Clears away the temporary files of writers that were killed.
#pragma once

#include <filesystem>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Removes the temporary files that killed writers of `target` left beside it; returns how many.
///
/// Writers name them `.<name>.<process>.<number>.part` and hold a lock on them (flock) that ends with the
/// process, so files of writers that are still at work stay, on this machine and, where the file system
/// passes locks on, on others. What cannot be opened, locked or removed stays too: nothing is thrown. Cost:
/// one pass over the names in the folder.
index_t remove_leftovers(const std::filesystem::path& target) noexcept;

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/leftovers_impl.hpp>
#endif
