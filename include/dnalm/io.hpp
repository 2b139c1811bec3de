// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module io.
#pragma once

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/bedgraph.hpp>
#include <dnalm/io/bigwig.hpp>
#include <dnalm/io/byte_source.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/fasta.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/keras_checkpoint.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/motif_file.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/npz_checkpoint.hpp>
#include <dnalm/io/pickle.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/io/table.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/io/tensor_bytes.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/io/torch_checkpoint.hpp>
#include <dnalm/io/track.hpp>
#include <dnalm/io/two_bit.hpp>
#include <dnalm/io/zip_reader.hpp>
#include <dnalm/io/zip_writer.hpp>
