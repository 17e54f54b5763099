namespace ReSciCredentials.Components.Shared;

/// <summary>The drawings that <see cref="Icon"/> knows.</summary>
public enum IconName
{
    Add,
    Next,
    Back,
    Check,
    Copy,
    Destination,
    Failure,
    Information,
    Key,
    Pause,
    Person,
    Play,
    Search,
    SignOut,
    Source,
    Success,
    Test,
    Unknown,
    Warning,
}
