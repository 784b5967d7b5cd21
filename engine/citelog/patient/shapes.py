"""Which elements the FHIR types have that are read: enough to know, without any model, that a resource is valid.

`is_plain` is sure where it says yes, and says no wherever it is not sure; then the models have the word. The tables are
made from those of `fhir.resources` and compared with them by the tests.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from citelog.patient.reading import Plain


def is_plain(node: Mapping[str, Any]) -> bool:
    """Whether a resource has only elements that its type has, each well formed, and all that it must have.

    >>> is_plain({"resourceType": "Observation", "status": "final", "code": {"text": "ferritin"}})
    True
    >>> is_plain({"resourceType": "Observation", "code": {"text": "ferritin"}})
    False
    """
    kind = node.get("resourceType")
    return isinstance(kind, str) and kind in TYPES and kind in SHAPES and _fits(node, kind, is_resource=True)


class _Element(NamedTuple):
    """One element of a type: of which type it is, whether it is a list, and of which choice it is one."""

    check: Callable[[Any], bool]
    is_list: bool
    choice: str


class _Shape(NamedTuple):
    elements: Mapping[str, _Element]
    needed: frozenset[str]
    """Elements, and choices, of which each must be there."""


def _fits(node: object, kind: str, *, is_resource: bool = False) -> bool:
    if not isinstance(node, dict) or not node:
        return False
    shape = _shape(kind)
    there = set()
    for key, value in node.items():
        element = shape.elements.get(key)
        if element is None:
            if is_resource and key == "resourceType":
                continue
            return False
        name = element.choice or key
        if element.choice and name in there:
            return False
        there.add(name)
        if not element.is_list:
            if not element.check(value):
                return False
        elif not isinstance(value, list) or not value or not all(map(element.check, value)):
            return False
    return shape.needed <= there


@cache
def _shape(kind: str) -> _Shape:
    elements, needed = {}, set()
    for told in SHAPES[kind].split():
        name, _, rest = told.partition(":")
        rest, _, choice = rest.partition("|")
        type_ = rest.rstrip("!*")
        elements[name] = _Element(_check(type_), "*" in rest, choice)
        if rest.endswith("!"):
            needed.add(choice or name)
    return _Shape(elements, frozenset(needed))


def _check(type_: str) -> Callable[[Any], bool]:
    if type_ == "Resource":
        return lambda node: isinstance(node, dict) and is_plain(node)
    return _PRIMITIVES.get(type_) or (lambda node: _fits(node, type_))


# --- primitives: stricter than FHIR is, so that nothing passes that a model would refuse ----------------------------

_DAY = r"[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"


def _text(pattern: str) -> Callable[[Any], bool]:
    match = re.compile(pattern).fullmatch
    return lambda value: type(value) is str and match(value) is not None


def _number(pattern: str) -> Callable[[Any], bool]:
    match = re.compile(pattern).fullmatch
    return lambda value: type(value) is Plain and match(value) is not None


def _dated(pattern: str) -> Callable[[Any], bool]:
    match = re.compile(pattern).fullmatch

    def check(value: Any) -> bool:
        if type(value) is not str or match(value) is None:
            return False
        if value[8:10] < "29":
            return True
        try:
            datetime.date.fromisoformat(value[:10])
        except ValueError:
            return False
        return True

    return check


def _words(value: Any) -> bool:
    return type(value) is str and bool(value) and not value[0].isspace() and not value[-1].isspace()


_PRIMITIVES: Mapping[str, Callable[[Any], bool]] = {
    "Boolean": lambda value: isinstance(value, bool),
    "Code": _text(r"[!-~]+(?: [!-~]+)*"),
    "Id": _text(r"[A-Za-z0-9.-]{1,64}"),
    "String": _words,
    "Markdown": _words,
    "Xhtml": _text(r"<div[^\x00]*</div>"),
    "Uri": _text(r"[!-~]+"),
    "Canonical": _text(r"[!-~]+"),
    "Url": _text(r"https://[a-z0-9.]+(?:/[A-Za-z0-9._-]+)*"),
    "Decimal": _number(r"-?(?:0|[1-9][0-9]{0,24})(?:\.[0-9]{1,30})?"),
    "Integer": _number(r"0|-?[1-9][0-9]{0,8}"),
    "UnsignedInt": _number(r"0|[1-9][0-9]{0,8}"),
    "PositiveInt": _number(r"[1-9][0-9]{0,8}"),
    "Date": _dated(f"{_DAY}|[1-9][0-9]{{3}}(?:-(?:0[1-9]|1[0-2]))?"),
    "DateTime": _dated(f"{_DAY}(?:T{_CLOCK}{_ZONE})?|[1-9][0-9]{{3}}(?:-(?:0[1-9]|1[0-2]))?"),
    "Instant": _dated(f"{_DAY}T{_CLOCK}{_ZONE}"),
    "Time": _text(_CLOCK),
}

# --- the tables ----------------------------------------------------------------------------------------------------
# `name:Type`, with * for a list, ! for what must be there, |choice for one of a choice of elements

# fmt: off
_TYPES = (
    "Account ActivityDefinition AdministrableProductDefinition AdverseEvent AllergyIntolerance Appointment "
    "AppointmentResponse AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle "
    "CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Citation Claim "
    "ClaimResponse ClinicalImpression ClinicalUseDefinition CodeSystem Communication CommunicationRequest "
    "CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage "
    "CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric "
    "DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter Endpoint "
    "EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceReport "
    "EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group "
    "GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation "
    "ImmunizationRecommendation ImplementationGuide Ingredient InsurancePlan Invoice Library Linkage List "
    "Location ManufacturedItemDefinition Measure MeasureReport Media Medication MedicationAdministration "
    "MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProductDefinition "
    "MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder NutritionProduct Observation "
    "ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation "
    "PackagedProductDefinition Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition "
    "Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse "
    "RegulatedAuthorization RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition "
    "ResearchStudy ResearchSubject RiskAssessment Schedule SearchParameter ServiceRequest Slot Specimen "
    "SpecimenDefinition StructureDefinition StructureMap Subscription SubscriptionStatus SubscriptionTopic "
    "Substance SubstanceDefinition SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport "
    "TestScript ValueSet VerificationResult VisionPrescription"
)
TYPES = frozenset(_TYPES.split())

SHAPES = {
    "Address": (
        "city:String country:String district:String extension:Extension* id:String line:String* period:Period "
        "postalCode:String state:String text:String type:Code use:Code"
    ),
    "Age": (
        "code:Code comparator:Code extension:Extension* id:String system:Uri unit:String value:Decimal"
    ),
    "Annotation": (
        "authorReference:Reference|author authorString:String|author extension:Extension* id:String "
        "text:Markdown! time:DateTime"
    ),
    "Attachment": (
        "contentType:Code creation:DateTime extension:Extension* id:String language:Code size:UnsignedInt "
        "title:String url:Url"
    ),
    "CodeableConcept": (
        "coding:Coding* extension:Extension* id:String text:String"
    ),
    "Coding": (
        "code:Code display:String extension:Extension* id:String system:Uri userSelected:Boolean version:String"
    ),
    "Condition": (
        "abatementAge:Age|abatement abatementDateTime:DateTime|abatement abatementPeriod:Period|abatement "
        "abatementRange:Range|abatement abatementString:String|abatement asserter:Reference "
        "bodySite:CodeableConcept* category:CodeableConcept* clinicalStatus:CodeableConcept "
        "code:CodeableConcept contained:Resource* encounter:Reference evidence:ConditionEvidence* "
        "extension:Extension* id:Id identifier:Identifier* implicitRules:Uri language:Code meta:Meta "
        "modifierExtension:Extension* note:Annotation* onsetAge:Age|onset onsetDateTime:DateTime|onset "
        "onsetPeriod:Period|onset onsetRange:Range|onset onsetString:String|onset recordedDate:DateTime "
        "recorder:Reference severity:CodeableConcept stage:ConditionStage* subject:Reference! text:Narrative "
        "verificationStatus:CodeableConcept"
    ),
    "ConditionEvidence": (
        "code:CodeableConcept* detail:Reference* extension:Extension* id:String modifierExtension:Extension*"
    ),
    "ConditionStage": (
        "assessment:Reference* extension:Extension* id:String modifierExtension:Extension* "
        "summary:CodeableConcept type:CodeableConcept"
    ),
    "ContactPoint": (
        "extension:Extension* id:String period:Period rank:PositiveInt system:Code use:Code value:String"
    ),
    "Dosage": (
        "additionalInstruction:CodeableConcept* asNeededBoolean:Boolean|asNeeded "
        "asNeededCodeableConcept:CodeableConcept|asNeeded doseAndRate:DosageDoseAndRate* extension:Extension* "
        "id:String maxDosePerAdministration:Quantity maxDosePerLifetime:Quantity maxDosePerPeriod:Ratio "
        "method:CodeableConcept modifierExtension:Extension* patientInstruction:String route:CodeableConcept "
        "sequence:Integer site:CodeableConcept text:String timing:Timing"
    ),
    "DosageDoseAndRate": (
        "doseQuantity:Quantity|dose doseRange:Range|dose extension:Extension* id:String "
        "rateQuantity:Quantity|rate rateRange:Range|rate rateRatio:Ratio|rate type:CodeableConcept"
    ),
    "Duration": (
        "code:Code comparator:Code extension:Extension* id:String system:Uri unit:String value:Decimal"
    ),
    "Extension": (
        "extension:Extension* id:String url:Uri! valueAddress:Address|value valueAge:Age|value "
        "valueAnnotation:Annotation|value valueAttachment:Attachment|value valueBoolean:Boolean|value "
        "valueCanonical:Canonical|value valueCode:Code|value valueCodeableConcept:CodeableConcept|value "
        "valueCoding:Coding|value valueContactPoint:ContactPoint|value valueDate:Date|value "
        "valueDateTime:DateTime|value valueDecimal:Decimal|value valueDosage:Dosage|value "
        "valueDuration:Duration|value valueHumanName:HumanName|value valueId:Id|value "
        "valueIdentifier:Identifier|value valueInstant:Instant|value valueInteger:Integer|value "
        "valueMarkdown:Markdown|value valuePeriod:Period|value valuePositiveInt:PositiveInt|value "
        "valueQuantity:Quantity|value valueRange:Range|value valueRatio:Ratio|value "
        "valueReference:Reference|value valueSampledData:SampledData|value valueString:String|value "
        "valueTime:Time|value valueTiming:Timing|value valueUnsignedInt:UnsignedInt|value valueUri:Uri|value "
        "valueUrl:Url|value"
    ),
    "HumanName": (
        "extension:Extension* family:String given:String* id:String period:Period prefix:String* suffix:String* "
        "text:String use:Code"
    ),
    "Identifier": (
        "assigner:Reference extension:Extension* id:String period:Period system:Uri type:CodeableConcept "
        "use:Code value:String"
    ),
    "Medication": (
        "amount:Ratio batch:MedicationBatch code:CodeableConcept contained:Resource* extension:Extension* "
        "form:CodeableConcept id:Id identifier:Identifier* implicitRules:Uri ingredient:MedicationIngredient* "
        "language:Code manufacturer:Reference meta:Meta modifierExtension:Extension* status:Code text:Narrative"
    ),
    "MedicationAdministration": (
        "category:CodeableConcept contained:Resource* context:Reference device:Reference* "
        "dosage:MedicationAdministrationDosage effectiveDateTime:DateTime!|effective "
        "effectivePeriod:Period!|effective eventHistory:Reference* extension:Extension* id:Id "
        "identifier:Identifier* implicitRules:Uri instantiates:Uri* language:Code "
        "medicationCodeableConcept:CodeableConcept!|medication medicationReference:Reference!|medication "
        "meta:Meta modifierExtension:Extension* note:Annotation* partOf:Reference* "
        "performer:MedicationAdministrationPerformer* reasonCode:CodeableConcept* reasonReference:Reference* "
        "request:Reference status:Code! statusReason:CodeableConcept* subject:Reference! "
        "supportingInformation:Reference* text:Narrative"
    ),
    "MedicationAdministrationDosage": (
        "dose:Quantity extension:Extension* id:String method:CodeableConcept modifierExtension:Extension* "
        "rateQuantity:Quantity|rate rateRatio:Ratio|rate route:CodeableConcept site:CodeableConcept text:String"
    ),
    "MedicationAdministrationPerformer": (
        "actor:Reference! extension:Extension* function:CodeableConcept id:String modifierExtension:Extension*"
    ),
    "MedicationBatch": (
        "expirationDate:DateTime extension:Extension* id:String lotNumber:String modifierExtension:Extension*"
    ),
    "MedicationDispense": (
        "authorizingPrescription:Reference* category:CodeableConcept contained:Resource* context:Reference "
        "daysSupply:Quantity destination:Reference detectedIssue:Reference* dosageInstruction:Dosage* "
        "eventHistory:Reference* extension:Extension* id:Id identifier:Identifier* implicitRules:Uri "
        "language:Code location:Reference medicationCodeableConcept:CodeableConcept!|medication "
        "medicationReference:Reference!|medication meta:Meta modifierExtension:Extension* note:Annotation* "
        "partOf:Reference* performer:MedicationDispensePerformer* quantity:Quantity receiver:Reference* "
        "status:Code! statusReasonCodeableConcept:CodeableConcept|statusReason "
        "statusReasonReference:Reference|statusReason subject:Reference "
        "substitution:MedicationDispenseSubstitution supportingInformation:Reference* text:Narrative "
        "type:CodeableConcept whenHandedOver:DateTime whenPrepared:DateTime"
    ),
    "MedicationDispensePerformer": (
        "actor:Reference! extension:Extension* function:CodeableConcept id:String modifierExtension:Extension*"
    ),
    "MedicationDispenseSubstitution": (
        "extension:Extension* id:String modifierExtension:Extension* reason:CodeableConcept* "
        "responsibleParty:Reference* type:CodeableConcept wasSubstituted:Boolean!"
    ),
    "MedicationIngredient": (
        "extension:Extension* id:String isActive:Boolean itemCodeableConcept:CodeableConcept!|item "
        "itemReference:Reference!|item modifierExtension:Extension* strength:Ratio"
    ),
    "MedicationRequest": (
        "authoredOn:DateTime basedOn:Reference* category:CodeableConcept* contained:Resource* "
        "courseOfTherapyType:CodeableConcept detectedIssue:Reference* "
        "dispenseRequest:MedicationRequestDispenseRequest doNotPerform:Boolean dosageInstruction:Dosage* "
        "encounter:Reference eventHistory:Reference* extension:Extension* groupIdentifier:Identifier id:Id "
        "identifier:Identifier* implicitRules:Uri instantiatesCanonical:Canonical* instantiatesUri:Uri* "
        "insurance:Reference* intent:Code! language:Code medicationCodeableConcept:CodeableConcept!|medication "
        "medicationReference:Reference!|medication meta:Meta modifierExtension:Extension* note:Annotation* "
        "performer:Reference performerType:CodeableConcept priorPrescription:Reference priority:Code "
        "reasonCode:CodeableConcept* reasonReference:Reference* recorder:Reference "
        "reportedBoolean:Boolean|reported reportedReference:Reference|reported requester:Reference status:Code! "
        "statusReason:CodeableConcept subject:Reference! substitution:MedicationRequestSubstitution "
        "supportingInformation:Reference* text:Narrative"
    ),
    "MedicationRequestDispenseRequest": (
        "dispenseInterval:Duration expectedSupplyDuration:Duration extension:Extension* id:String "
        "initialFill:MedicationRequestDispenseRequestInitialFill modifierExtension:Extension* "
        "numberOfRepeatsAllowed:UnsignedInt performer:Reference quantity:Quantity validityPeriod:Period"
    ),
    "MedicationRequestDispenseRequestInitialFill": (
        "duration:Duration extension:Extension* id:String modifierExtension:Extension* quantity:Quantity"
    ),
    "MedicationRequestSubstitution": (
        "allowedBoolean:Boolean!|allowed allowedCodeableConcept:CodeableConcept!|allowed extension:Extension* "
        "id:String modifierExtension:Extension* reason:CodeableConcept"
    ),
    "MedicationStatement": (
        "basedOn:Reference* category:CodeableConcept contained:Resource* context:Reference "
        "dateAsserted:DateTime derivedFrom:Reference* dosage:Dosage* effectiveDateTime:DateTime|effective "
        "effectivePeriod:Period|effective extension:Extension* id:Id identifier:Identifier* implicitRules:Uri "
        "informationSource:Reference language:Code medicationCodeableConcept:CodeableConcept!|medication "
        "medicationReference:Reference!|medication meta:Meta modifierExtension:Extension* note:Annotation* "
        "partOf:Reference* reasonCode:CodeableConcept* reasonReference:Reference* status:Code! "
        "statusReason:CodeableConcept* subject:Reference! text:Narrative"
    ),
    "Meta": (
        "extension:Extension* id:String lastUpdated:Instant profile:Canonical* security:Coding* source:Uri "
        "tag:Coding* versionId:Id"
    ),
    "Narrative": (
        "div:Xhtml! extension:Extension* id:String status:Code!"
    ),
    "Observation": (
        "basedOn:Reference* bodySite:CodeableConcept category:CodeableConcept* code:CodeableConcept! "
        "component:ObservationComponent* contained:Resource* dataAbsentReason:CodeableConcept "
        "derivedFrom:Reference* device:Reference effectiveDateTime:DateTime|effective "
        "effectiveInstant:Instant|effective effectivePeriod:Period|effective effectiveTiming:Timing|effective "
        "encounter:Reference extension:Extension* focus:Reference* hasMember:Reference* id:Id "
        "identifier:Identifier* implicitRules:Uri interpretation:CodeableConcept* issued:Instant language:Code "
        "meta:Meta method:CodeableConcept modifierExtension:Extension* note:Annotation* partOf:Reference* "
        "performer:Reference* referenceRange:ObservationReferenceRange* specimen:Reference status:Code! "
        "subject:Reference text:Narrative valueBoolean:Boolean|value valueCodeableConcept:CodeableConcept|value "
        "valueDateTime:DateTime|value valueInteger:Integer|value valuePeriod:Period|value "
        "valueQuantity:Quantity|value valueRange:Range|value valueRatio:Ratio|value "
        "valueSampledData:SampledData|value valueString:String|value valueTime:Time|value"
    ),
    "ObservationComponent": (
        "code:CodeableConcept! dataAbsentReason:CodeableConcept extension:Extension* id:String "
        "interpretation:CodeableConcept* modifierExtension:Extension* referenceRange:ObservationReferenceRange* "
        "valueBoolean:Boolean|value valueCodeableConcept:CodeableConcept|value valueDateTime:DateTime|value "
        "valueInteger:Integer|value valuePeriod:Period|value valueQuantity:Quantity|value "
        "valueRange:Range|value valueRatio:Ratio|value valueSampledData:SampledData|value "
        "valueString:String|value valueTime:Time|value"
    ),
    "ObservationReferenceRange": (
        "age:Range appliesTo:CodeableConcept* extension:Extension* high:Quantity id:String low:Quantity "
        "modifierExtension:Extension* text:String type:CodeableConcept"
    ),
    "Patient": (
        "active:Boolean address:Address* birthDate:Date communication:PatientCommunication* "
        "contact:PatientContact* contained:Resource* deceasedBoolean:Boolean|deceased "
        "deceasedDateTime:DateTime|deceased extension:Extension* gender:Code generalPractitioner:Reference* "
        "id:Id identifier:Identifier* implicitRules:Uri language:Code link:PatientLink* "
        "managingOrganization:Reference maritalStatus:CodeableConcept meta:Meta modifierExtension:Extension* "
        "multipleBirthBoolean:Boolean|multipleBirth multipleBirthInteger:Integer|multipleBirth name:HumanName* "
        "photo:Attachment* telecom:ContactPoint* text:Narrative"
    ),
    "PatientCommunication": (
        "extension:Extension* id:String language:CodeableConcept! modifierExtension:Extension* "
        "preferred:Boolean"
    ),
    "PatientContact": (
        "address:Address extension:Extension* gender:Code id:String modifierExtension:Extension* name:HumanName "
        "organization:Reference period:Period relationship:CodeableConcept* telecom:ContactPoint*"
    ),
    "PatientLink": (
        "extension:Extension* id:String modifierExtension:Extension* other:Reference! type:Code!"
    ),
    "Period": (
        "end:DateTime extension:Extension* id:String start:DateTime"
    ),
    "Procedure": (
        "asserter:Reference basedOn:Reference* bodySite:CodeableConcept* category:CodeableConcept "
        "code:CodeableConcept complication:CodeableConcept* complicationDetail:Reference* contained:Resource* "
        "encounter:Reference extension:Extension* focalDevice:ProcedureFocalDevice* followUp:CodeableConcept* "
        "id:Id identifier:Identifier* implicitRules:Uri instantiatesCanonical:Canonical* instantiatesUri:Uri* "
        "language:Code location:Reference meta:Meta modifierExtension:Extension* note:Annotation* "
        "outcome:CodeableConcept partOf:Reference* performedAge:Age|performed "
        "performedDateTime:DateTime|performed performedPeriod:Period|performed performedRange:Range|performed "
        "performedString:String|performed performer:ProcedurePerformer* reasonCode:CodeableConcept* "
        "reasonReference:Reference* recorder:Reference report:Reference* status:Code! "
        "statusReason:CodeableConcept subject:Reference! text:Narrative usedCode:CodeableConcept* "
        "usedReference:Reference*"
    ),
    "ProcedureFocalDevice": (
        "action:CodeableConcept extension:Extension* id:String manipulated:Reference! "
        "modifierExtension:Extension*"
    ),
    "ProcedurePerformer": (
        "actor:Reference! extension:Extension* function:CodeableConcept id:String modifierExtension:Extension* "
        "onBehalfOf:Reference"
    ),
    "Quantity": (
        "code:Code comparator:Code extension:Extension* id:String system:Uri unit:String value:Decimal"
    ),
    "Range": (
        "extension:Extension* high:Quantity id:String low:Quantity"
    ),
    "Ratio": (
        "denominator:Quantity extension:Extension* id:String numerator:Quantity"
    ),
    "Reference": (
        "display:String extension:Extension* id:String identifier:Identifier reference:String type:Uri"
    ),
    "SampledData": (
        "data:String dimensions:PositiveInt! extension:Extension* factor:Decimal id:String lowerLimit:Decimal "
        "origin:Quantity! period:Decimal! upperLimit:Decimal"
    ),
    "Timing": (
        "code:CodeableConcept event:DateTime* extension:Extension* id:String modifierExtension:Extension* "
        "repeat:TimingRepeat"
    ),
    "TimingRepeat": (
        "boundsDuration:Duration|bounds boundsPeriod:Period|bounds boundsRange:Range|bounds count:PositiveInt "
        "countMax:PositiveInt dayOfWeek:Code* duration:Decimal durationMax:Decimal durationUnit:Code "
        "extension:Extension* frequency:PositiveInt frequencyMax:PositiveInt id:String offset:UnsignedInt "
        "period:Decimal periodMax:Decimal periodUnit:Code timeOfDay:Time* when:Code*"
    ),
}
