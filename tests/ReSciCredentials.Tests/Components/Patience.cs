using System.Runtime.CompilerServices;
using Bunit;

namespace ReSciCredentials.Tests.Components;

internal static class Patience
{
    /// <summary>How long a rendered part may take to show what is waited for: one second, the usual, is soon gone on a busy machine.</summary>
    [ModuleInitializer]
    internal static void Begin() => BunitContext.DefaultWaitTimeout = TimeSpan.FromMinutes(1);
}
