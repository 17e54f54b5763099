namespace ReSciCredentials.Components.Shared;

/// <summary>How loudly a <see cref="Notice"/> speaks: the last two interrupt a screen reader.</summary>
public enum NoticeTone
{
    Information,
    Success,
    Warning,
    Danger,
}
