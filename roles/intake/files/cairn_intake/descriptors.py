"""Descriptions reduced to words that describe an image and nobody.

The option Clean Descriptors (DICOM PS3.15 E.3.5) asks to take identifying words out of free text.
Which words identify somebody cannot be listed, so the words that do not are listed here; all
others go. A description in another language or with a site's own abbreviations ends up empty.
"""

from __future__ import annotations

import re
from typing import Final

#: What is cleaned, by tag; every other description is removed as the Basic Profile says.
CLEANED: Final = frozenset(
    {
        0x0008_1030,  # Study Description
        0x0008_103E,  # Series Description
        0x0018_0010,  # Contrast/Bolus Agent
        0x0018_1030,  # Protocol Name
        0x0018_1400,  # Acquisition Device Processing Description
        0x0018_9424,  # Acquisition Protocol Description
        0x0040_0007,  # Scheduled Procedure Step Description
        0x0040_0254,  # Performed Procedure Step Description
    }
)
_WORDS: Final = frozenset(
    """
    abdomen abdominal adc adrenal angio ankle aorta aortic apparent arm arterial artery ax axial
    biopsy bladder bone bowel brachy brain breast bronchus cardiac carotid cc cerebral cervical
    chest colon colonography contrast control coronal coronary cor ct ctac cta cut cycle data
    delayed dce diffusion dixon dual dwi dx dynamic echo elbow enhanced enterography epi equilibrium
    esophagus expiration extremity face fat fatsat fdg female femur field filtered flair flash foot
    fov follow foot fused gad gadolinium gallbladder gamma gated gradient grading guided hand head
    heart helical hepatic high hip hr hrct image imaging in inspiration iodine iv kernel kidney
    knee l lat lateral left leg liver lobe localizer low lower lumbar lung lungs lymph mammo
    mammography map mask mediastinum mg mip ml mm mpr mr mra mri mrcp multiphase nac native nativ
    neck no node nodule nm non oblique oral orbit out ovary pa pancreas parenchyma pelvic pelvis
    perfusion pet phase plain planning portal post pre prostate protocol ptca pulmonary r
    reconstruction rectal rectum renal reformat right routine sag sagittal scan scout screening se
    sequence series shoulder sinus skull slice soft spect spin spine spiral spleen staging standard
    stir stomach study suppressed survey t1 t1w t2 t2w tap tfe thick thin thoracic thorax thyroid
    tissue topogram trachea transverse triphasic tse tumor tumour ultrasound upper ureter urography
    uterus vein venous vertebra vessel vibe view volume water wb whole window with without wo wrist
    """.split()  # noqa: SIM905 - a list of 250 quoted words is harder to read
)
_TOKEN = re.compile(r"[^\W_]+(?:(?<=\d)\.\d+[^\W_]*)?", re.ASCII)
#: A thickness, a b-value or a small number; longer numbers may be a date or a patient's number.
_MEASURE = re.compile(r"[bB]?\d{1,3}(\.\d{1,2})?(mm|cm|s|ml|kv|mas)?", re.ASCII | re.IGNORECASE)


def clean(text: str) -> str:
    """Return the words of a description that are known to identify nobody, in their order."""
    return " ".join(word for word in _TOKEN.findall(text) if _is_harmless(word))


def _is_harmless(word: str) -> bool:
    return word.casefold() in _WORDS or _MEASURE.fullmatch(word) is not None
