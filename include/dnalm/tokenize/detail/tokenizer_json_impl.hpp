// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/tokenizer_json.hpp.
#pragma once

#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_tokenizer.hpp>
#include <dnalm/tokenize/detail/tokenizer_reader.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::shared_ptr<const tokenizer_base> make_json_tokenizer(std::string_view json_text,
                                                                       const tokenizer_config& config,
                                                                       const std::string& where) {
  const io::json document = io::parse_json(json_text, where);
  return std::make_shared<detail::json_tokenizer>(detail::tokenizer_reader(document, where).read(), config,
                                                  where);
}

DNALM_END_NAMESPACE
