namespace ReSciCredentials.Safekeeping;

/// <summary>A backup was not made, or is not one that can be used. The message is for the operator: what is wrong and what to do.</summary>
public sealed class BackupRefusedException(string message) : Exception(message);
