// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The warp's matrix operations, number by number: which lane holds what is that of the PTX ISA.
#pragma once

#include <cstdint>
#include <cstring>

#include <dnalm/tensor/dtype.hpp>
#include <support/cuda_emulation/block.hpp>

namespace dnalm_test::gpu {

/// What a lane brings to mma_bf16.
struct mma_argument {
  float* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
};

/// The bfloat16 in the lower (0) or upper (1) half of a register.
[[nodiscard]] inline float half_of(std::uint32_t two, std::size_t half) {
  return dnalm::float_from_bf16(static_cast<std::uint16_t>(two >> (16 * half)));
}

/// d += a b, every number from the lane and register that hold it. The sum of the 16 products is formed in
/// double and rounded with d once; a GPU adds in an order of its own that is not documented.
inline void multiply_tiles(const lanes_of<mma_argument>& lanes) {
  float a[16][16];
  float b[16][8];
  for (std::size_t lane = 0; lane < 32; ++lane) {
    const std::size_t g = lane / 4;
    const std::size_t t = lane % 4;
    for (std::size_t half = 0; half < 2; ++half) {
      for (std::size_t i = 0; i < 4; ++i) {
        a[g + 8 * (i % 2)][2 * t + half + 8 * (i / 2)] = half_of(lanes[lane]->a[i], half);
      }
      for (std::size_t i = 0; i < 2; ++i) b[2 * t + half + 8 * i][g] = half_of(lanes[lane]->b[i], half);
    }
  }
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      float& d = lanes[row % 8 * 4 + column / 2]->d[row / 8 * 2 + column % 2];
      double sum = static_cast<double>(d);
      for (std::size_t k = 0; k < 16; ++k) {
        sum += static_cast<double>(a[row][k]) * static_cast<double>(b[k][column]);
      }
      d = static_cast<float>(sum);
    }
  }
}

/// What a lane brings to load_tiles.
struct tiles_argument {
  const void* row;
  std::uint32_t* tiles;
};

/// Number (row, column) of tile i, read from the row that lane 8 i + row points to.
[[nodiscard]] inline std::uint32_t tile_number(const lanes_of<tiles_argument>& lanes, std::size_t i,
                                               std::size_t row, std::size_t column) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, static_cast<const char*>(lanes[8 * i + row]->row) + 2 * column, 2);
  return bits;
}

inline void distribute_tiles(const lanes_of<tiles_argument>& lanes, bool transposed) {
  for (std::size_t lane = 0; lane < 32; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t g = lane / 4;
      const std::size_t t = 2 * (lane % 4);
      const std::uint32_t low = transposed ? tile_number(lanes, i, t, g) : tile_number(lanes, i, g, t);
      const std::uint32_t high =
          transposed ? tile_number(lanes, i, t + 1, g) : tile_number(lanes, i, g, t + 1);
      lanes[lane]->tiles[i] = low | high << 16;
    }
  }
}

}  // namespace dnalm_test::gpu
