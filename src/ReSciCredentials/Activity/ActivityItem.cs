namespace ReSciCredentials.Activity;

/// <summary>What an entry is about.</summary>
/// <param name="Href">Its page; null when it has none, or is gone.</param>
public sealed record ActivityItem(string Text, string? Href);
