namespace ReSciCredentials.Components.Shared;

/// <summary>One step of a <see cref="Stepper"/>.</summary>
/// <param name="Title">The word shown.</param>
/// <param name="Address">Where the step lies; a step that is done leads back there.</param>
public sealed record StepperStep(string Title, string? Address);
