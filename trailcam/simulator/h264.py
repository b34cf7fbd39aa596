"""
H.264 made by hand: pictures of coloured stripes that decoders accept.

A key picture holds its first row of macroblocks as plain samples (I_PCM) and predicts all others
from the row above; the pictures between repeat it (P_Skip).  Filler data brings an access unit to
any size.  Baseline profile, one slice per picture, Annex B.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs

from trailcam.simulator.bits import BitWriter

#: Y, Cb, Cr of one stripe.
Colour: TypeAlias = tuple[int, int, int]

START_CODE: Final = b"\0\0\0\1"

_MACROBLOCK = 16
_LOG2_MAX_FRAME_NUM = 16
#: Frame numbers and ids of key pictures have 16 bits.
_NUMBERS = 1 << _LOG2_MAX_FRAME_NUM
#: Quantizers that a slice may name; the skipped picture's own says in which group it is.
_QUANTIZERS = 52
_INITIAL_QUANTIZER = 26

_SPS = 0x67
_PPS = 0x68
_IDR = 0x65
_SLICE = 0x41
_FILLER = 0x0C

_SLICE_TYPE_P = 5
_SLICE_TYPE_I = 7

_MB_TYPE_I_PCM = 25
#: I_16x16, vertical prediction, no coefficients but those of the luma DC.
_MB_TYPE_FROM_ABOVE = 1
_CHROMA_FROM_ABOVE = 2
#: coeff_token for "none" below an I_PCM macroblock, and below any other: value and bits.
_NONE_BELOW_SAMPLES = (0b000011, 6)
_NONE = (0b1, 1)

#: Start code, type and end of a filler unit.
_FILLER_COST = len(START_CODE) + 2

_TO_ESCAPE = re.compile(rb"\0\0(?=[\0-\3])")


@attrs.frozen
class Format:
    """
    What all pictures of a video have in common.

    :ivar width: pixels, an even number, at least 16.
    :ivar height: pixels, an even number, at least 16.
    :ivar rate: pictures in a second.
    """

    width: int
    height: int
    rate: int

    @property
    def columns(self) -> int:
        """Macroblocks in a row."""
        return -(-self.width // _MACROBLOCK)

    @property
    def rows(self) -> int:
        """Rows of macroblocks."""
        return -(-self.height // _MACROBLOCK)


def key_unit(form: Format, colours: Sequence[Colour], group: int) -> bytes:
    """
    The access unit of a key picture, with the parameter sets.

    :param colours: of the stripes, from left to right; repeated as often as it takes.
    :param group: how many key pictures came before.
    """
    picture = _unit(_IDR, _key_picture(form, colours, group))
    return _unit(_SPS, _sequence_parameters(form)) + _unit(_PPS, _picture_parameters()) + picture


def repeated_unit(form: Format, group: int, number: int) -> bytes:
    """
    The access unit of a picture that shows the one before once more.

    :param group: key pictures before this group's.
    :param number: 1 for the first picture behind the key picture.
    """
    bits = BitWriter()
    _slice_beginning(bits, _SLICE_TYPE_P, number)
    bits.write(0, 1)  # num_ref_idx_active_override_flag
    bits.write(0, 1)  # ref_pic_list_modification_flag_l0
    bits.write(0, 1)  # adaptive_ref_pic_marking_mode_flag
    bits.write_se(group % _QUANTIZERS - _INITIAL_QUANTIZER)  # no coefficient will need it
    bits.write_ue(1)  # disable_deblocking_filter_idc
    bits.write_ue(form.columns * form.rows)  # mb_skip_run
    return _unit(_SLICE, _finished(bits))


def filled(unit: bytes, size: int) -> bytes:
    """``unit`` with filler data up to ``size`` octets, if it is shorter and there is room."""
    missing = size - len(unit) - _FILLER_COST
    if missing < 0:
        return unit
    return unit + START_CODE + bytes([_FILLER]) + b"\xff" * missing + b"\x80"


def _sequence_parameters(form: Format) -> bytes:
    bits = BitWriter()
    bits.write(66, 8)  # profile_idc: baseline
    bits.write(0b11000000, 8)  # it keeps to the rules of baseline and main
    bits.write(40, 8)  # level_idc
    bits.write_ue(0)  # seq_parameter_set_id
    bits.write_ue(_LOG2_MAX_FRAME_NUM - 4)
    bits.write_ue(2)  # pic_order_cnt_type: pictures are shown in the order of decoding
    bits.write_ue(1)  # max_num_ref_frames
    bits.write(0, 1)  # gaps_in_frame_num_value_allowed_flag
    bits.write_ue(form.columns - 1)
    bits.write_ue(form.rows - 1)
    bits.write(1, 1)  # frame_mbs_only_flag
    bits.write(1, 1)  # direct_8x8_inference_flag
    _cropping(bits, form)
    bits.write(1, 1)  # vui_parameters_present_flag
    bits.write(0, 4)  # aspect_ratio_, overscan_, video_signal_type_, chroma_loc_info_present_flag
    bits.write(1, 1)  # timing_info_present_flag
    bits.write(1, 32)  # num_units_in_tick
    bits.write(2 * form.rate, 32)  # time_scale
    bits.write(1, 1)  # fixed_frame_rate_flag
    bits.write(0, 4)  # nal_ and vcl_hrd_parameters_, pic_struct_, bitstream_restriction_flag
    return _finished(bits)


def _cropping(bits: BitWriter, form: Format) -> None:
    right = (form.columns * _MACROBLOCK - form.width) // 2
    bottom = (form.rows * _MACROBLOCK - form.height) // 2
    bits.write(1 if right or bottom else 0, 1)
    if right or bottom:
        for offset in (0, right, 0, bottom):
            bits.write_ue(offset)


def _picture_parameters() -> bytes:
    bits = BitWriter()
    bits.write_ue(0)  # pic_parameter_set_id
    bits.write_ue(0)  # seq_parameter_set_id
    bits.write(0, 2)  # entropy_coding_mode_flag: CAVLC; bottom_field_pic_order_...
    bits.write_ue(0)  # num_slice_groups_minus1
    bits.write_ue(0)  # num_ref_idx_l0_default_active_minus1
    bits.write_ue(0)  # num_ref_idx_l1_default_active_minus1
    bits.write(0, 3)  # weighted_pred_flag, weighted_bipred_idc
    bits.write_se(_INITIAL_QUANTIZER - 26)
    bits.write_se(0)  # pic_init_qs_minus26
    bits.write_se(0)  # chroma_qp_index_offset
    bits.write(0b100, 3)  # deblocking_filter_control_present_flag; two others
    return _finished(bits)


def _key_picture(form: Format, colours: Sequence[Colour], group: int) -> bytes:
    bits = BitWriter()
    _slice_beginning(bits, _SLICE_TYPE_I, 0)
    bits.write_ue(group % _NUMBERS)  # idr_pic_id
    bits.write(0, 2)  # no_output_of_prior_pics_flag, long_term_reference_flag
    bits.write_se(0)  # slice_qp_delta
    bits.write_ue(1)  # disable_deblocking_filter_idc
    for column in range(form.columns):
        _samples(bits, colours[column % len(colours)])
    for row in range(1, form.rows):
        for _ in range(form.columns):
            _from_above(bits, below_samples=row == 1)
    return _finished(bits)


def _slice_beginning(bits: BitWriter, slice_type: int, number: int) -> None:
    bits.write_ue(0)  # first_mb_in_slice
    bits.write_ue(slice_type)
    bits.write_ue(0)  # pic_parameter_set_id
    bits.write(number % _NUMBERS, _LOG2_MAX_FRAME_NUM)


def _samples(bits: BitWriter, colour: Colour) -> None:
    """A macroblock whose samples are there as they are."""
    bits.write_ue(_MB_TYPE_I_PCM)
    bits.align(0)
    luma, blue, red = colour
    bits.write_octets(bytes([luma]) * 256 + bytes([blue]) * 64 + bytes([red]) * 64)


def _from_above(bits: BitWriter, *, below_samples: bool) -> None:
    bits.write_ue(_MB_TYPE_FROM_ABOVE)
    bits.write_ue(_CHROMA_FROM_ABOVE)
    bits.write_se(0)  # mb_qp_delta
    bits.write(*(_NONE_BELOW_SAMPLES if below_samples else _NONE))


def _finished(bits: BitWriter) -> bytes:
    """The payload of a unit: the bits and their end."""
    bits.write(1, 1)
    bits.align(0)
    return bytes(bits.octets)


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit; what could be taken for a start code is escaped."""
    return START_CODE + bytes([kind]) + _TO_ESCAPE.sub(b"\0\0\3", payload)
