"""Images on a node: who may send them, how they are de-identified, where they are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from cairn.spec.model import Declared
from cairn.spec.network import TlsVersion
from cairn.spec.types import (
    AbsolutePath,
    Address,
    AeTitle,
    BucketName,
    CertificatePath,
    Country,
    Day,
    Destination,
    DriverVersion,
    HttpUrl,
    KeyFile,
    Name,
    Network,
    PackageKeyPath,
    Port,
    PrivateElement,
    PrivateGroup,
    Rectangle,
    Reference,
    Sentence,
    Size,
)

#: Options of the Basic Application Level Confidentiality Profile, DICOM PS3.15 E.1.1 and CID 7050.
DeidentificationOption = Literal[
    "clean-pixel-data",
    "clean-recognizable-visual-features",
    "clean-graphics",
    "clean-structured-content",
    "clean-descriptors",
    "retain-longitudinal-full-dates",
    "retain-longitudinal-modified-dates",
    "retain-patient-characteristics",
    "retain-device-identity",
    "retain-uids",
    "retain-safe-private",
    "retain-institution-identity",
]


#: Options that the intake of this release carries out; a spec with another one is refused.
CARRIED_OUT: frozenset[DeidentificationOption] = frozenset(
    {
        "clean-pixel-data",
        "clean-graphics",
        "clean-descriptors",
        "retain-longitudinal-full-dates",
        "retain-longitudinal-modified-dates",
        "retain-patient-characteristics",
        "retain-safe-private",
    }
)


class Modality(Declared):
    """One system that may open DICOM associations with the node."""

    aet: AeTitle
    """Its application entity title."""
    address: Address
    """The address it connects from."""
    may: Annotated[tuple[Literal["store", "echo", "find", "move"], ...], Field(min_length=1)]
    """The DICOM operations it may use."""
    port: Port = 11112
    """The port it receives images on, where it may `move` them to itself."""
    plain: StrictBool = False
    """Whether it cannot speak TLS; then only its address tells it from others."""


class PrivateAttribute(Declared):
    """A private attribute that is kept, because its maker says that it names nobody."""

    creator: Reference
    """Its private creator, as in `SIEMENS MR HEADER`."""
    group: PrivateGroup
    """Its group: four hexadecimal digits, odd, quoted."""
    element: PrivateElement
    """The last two hexadecimal digits of its element, quoted."""


class BlankRule(Declared):
    """Where one device writes text into its pictures; these rectangles are made black."""

    modality: Reference
    """Its modality, as in `US`."""
    manufacturer: Reference
    """Its manufacturer, as its images say it."""
    model: Reference
    """Its model, as its images say it."""
    rows: Annotated[StrictInt, Field(ge=1, le=65535)]
    """Height of the pictures that the rectangles are for."""
    columns: Annotated[StrictInt, Field(ge=1, le=65535)]
    """Width of the pictures that the rectangles are for."""
    rectangles: Annotated[tuple[Rectangle, ...], Field(min_length=1)]
    """Left, top, width and height in pixels, as in `0,0 800x60`."""


class Deidentify(Declared):
    """What is removed before anything but intake may see an image (DICOM PS3.15 Annex E)."""

    profile: Literal["basic"] = "basic"
    """The Basic Application Level Confidentiality Profile."""
    options: tuple[DeidentificationOption, ...] = ()
    """Options of the profile."""
    justifications: dict[DeidentificationOption, Sentence] = Field(default_factory=dict)
    """A reason for each option that retains something."""
    private: tuple[PrivateAttribute, ...] = ()
    """Private attributes that `retain-safe-private` keeps; all others are removed."""
    blank: tuple[BlankRule, ...] = ()
    """Rectangles that `clean-pixel-data` makes black; images of other devices that may carry text
    in their pixels are held back."""
    secret_holder: Sentence | None = None
    """Who holds the pseudonymisation key outside the research zone."""


class PacsTls(Declared):
    """Transport security of DICOM associations (BCP 195, DICOM PS3.15 B.12)."""

    minimum: TlsVersion = "1.2"
    """Lowest TLS version."""
    client_certificates: StrictBool = True
    """Whether a modality must show a certificate."""
    client_authorities: tuple[CertificatePath, ...] = ()
    """PEM files of the site's own authorities whose client certificates are accepted beside those
    that the node issues, relative to the spec."""


class Consumer(Declared):
    """One system that reads the archive over DICOMweb, known by its client certificate."""

    name: Name
    """Its name; the common name of its certificate."""
    networks: Annotated[tuple[Network, ...], Field(min_length=1)]
    """The networks it connects from."""
    may: Annotated[tuple[Literal["read", "store"], ...], Field(min_length=1)] = ("read",)
    """`read` searches and fetches (QIDO-RS, WADO-RS); `store` also adds images (STOW-RS)."""


class Pacs(Declared):
    """The research PACS: intake for modalities, archive for everybody else."""

    aet: AeTitle
    """Application entity title of the intake."""
    accepts: Annotated[tuple[Modality, ...], Field(min_length=1)]
    """Who may connect; nobody else is answered."""
    deidentify: Deidentify = Deidentify()
    """How images are de-identified."""
    tls: PacsTls = PacsTls()
    """Transport security."""
    archive_aet: AeTitle = "CAIRN-ARCHIVE"
    """Application entity title of the archive, for those who may `find` or `move`."""
    consumers: tuple[Consumer, ...] = ()
    """Who reads the archive over DICOMweb; nobody else is answered."""
    compress: StrictBool = True
    """Whether the archive compresses images on disk; saves about half, costs time on arrival."""
    cores: Annotated[StrictInt, Field(ge=1)] = 2
    """Cores that each service of the PACS may use."""
    memory: Size = Field(default="2 GiB", validate_default=True)
    """Memory that each service of the PACS may use."""


class Encryption(Declared):
    """Encryption of the disk under a path."""

    method: Literal["luks2", "provider-kms"]
    """LUKS2, or the storage provider's own with keys in its key service."""
    key_from: Literal["tpm2", "tang", "kms", "file", "prompt"]
    """Where the key comes from at boot; never a file on the same disk."""
    key_file: AbsolutePath | None = None
    """The file of the host with the key, for `key_from: file`; on another disk or a stick."""


class Retention(Declared):
    """How long an object can be neither changed nor deleted (S3 object lock)."""

    mode: Literal["governance", "compliance"]
    """Whether the node's administrator may lift it (`governance`) or nobody (`compliance`)."""
    days: Annotated[StrictInt, Field(ge=1)]
    """Days from the writing of an object."""


class Bucket(Declared):
    """A bucket; each data set has one without being declared here."""

    name: BucketName
    """Its name."""
    versioning: StrictBool = True
    """Whether an object that is written over or deleted is kept as an older version."""
    retention: Retention | None = None
    """How long objects are locked; it needs versioning."""
    expire_days: Annotated[StrictInt, Field(ge=1)] | None = None
    """Days after which an object is deleted; only with `engine: ceph`."""


class StorageConsumer(Declared):
    """Somebody who reads or writes buckets, with a credential of its own."""

    name: Name
    """Its name, which is the access key of its credential."""
    reads: tuple[BucketName, ...] = ()
    """Buckets that it may list and read."""
    writes: tuple[BucketName, ...] = ()
    """Buckets that it may write to and delete from."""
    comes_from: Network | None = None
    """Address or network that it connects from; absent for a service of the host itself."""


class Storage(Declared):
    """Where images and data sets are kept."""

    path: AbsolutePath
    """Mount point or folder of the data volume."""
    size: Size
    """Space that the node may use."""
    engine: Literal["versitygw", "ceph"] = "versitygw"
    """S3 server over the volume, or an existing Ceph object gateway."""
    endpoint: HttpUrl | None = None
    """Address of the existing S3 service, for `engine: ceph`."""
    credentials: KeyFile | None = None
    """File with the administrator's credentials there, in the form of AWS's programs."""
    buckets: tuple[Bucket, ...] = ()
    """Buckets beyond those of the data sets, or other settings for one of them."""
    consumers: tuple[StorageConsumer, ...] = ()
    """Who may use which bucket; `fl-agent` reads those of the data sets without being named."""
    scratch: AbsolutePath | None = None
    """Folder for intermediate results of computations; not inside `path`."""
    device: AbsolutePath | None = None
    """Block device of the volume, as in `/dev/disk/by-id/…`; absent if the path is mounted."""
    encryption: Encryption | None = None
    """Encryption of the disk; without it a waiver is needed."""


class Backup(Declared):
    """Where a second copy of the data is and how it is known to work."""

    to: HttpUrl
    """Where backups go; another machine than the node's."""
    country: Country
    """Country the backup is kept in, ISO 3166-1."""
    encrypted: StrictBool
    """Whether backups are encrypted before they leave the host."""
    keep_days: Annotated[StrictInt, Field(ge=1)]
    """Days a backup is kept."""
    restore_test_every_days: Annotated[StrictInt, Field(ge=1)]
    """Days between two restores that prove that it works."""


class GpuToolkit(Declared):
    """Where the vendor's container toolkit comes from, since Debian has none."""

    mirror: HttpUrl
    """A Debian archive without suites: the vendor's, or the site's or consortium's copy of it."""
    key: PackageKeyPath
    """File of the public key that its index is signed with, relative to the spec."""
    version: DriverVersion
    """Version of the toolkit, quoted."""


class Gpu(Declared):
    """The graphics processor for training, or the stated choice of none."""

    vendor: Literal["nvidia", "none"]
    """`none` is a stated choice; everything else works without one."""
    memory: Size | None = None
    """Memory of the GPU."""
    driver: DriverVersion | None = None
    """Version of the driver as Debian's non-free archive has it, quoted."""
    toolkit: GpuToolkit | None = None
    """The vendor's container toolkit; without it no container sees the GPU."""


class Dataset(Declared):
    """A data set of the node that computations may be granted; it lies in a bucket of its name."""

    name: BucketName
    """Its name."""
    description: Sentence
    """What is in it, without patient data."""


class Copy(Declared):
    """The site's consent that one compute node gets copies of a data set."""

    to: Name
    """The compute node, as its certificate names it."""
    at: Destination
    """Its host name or address."""
    port: Port = 8444
    """Its port."""
    until: Day
    """Last day of the consent; the copy is deleted after it."""


class FrozenDataset(Dataset):
    """A data set that is frozen from the node's own archive."""

    copies: tuple[Copy, ...] = ()
    """Compute nodes that may get copies of it; nobody, if absent."""


class Origin(Declared):
    """Where the copies of a data set come from."""

    node: Name
    """The node that lends it, as its certificate names it."""
    dataset: BucketName
    """What the data set is called there."""
    comes_from: Network
    """Address or network that the node connects from; nobody else reaches the port."""


class HeldDataset(Dataset):
    """A data set that a compute node holds for a time."""

    copy_of: Origin | None = None
    """The data set of another node that this one is a copy of."""
